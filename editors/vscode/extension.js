// Starts `dlmc lsp` and hands the editor's .dlm files to it. All knowledge of the language is in that program.
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = workspace.getConfiguration("dlm").get("server.path");
  client = new LanguageClient(
    "dlm",
    "dlm",
    { command, args: ["lsp"] },
    {
      documentSelector: [{ language: "dlm" }],
      synchronize: {
        fileEvents: workspace.createFileSystemWatcher("**/*.{dlm,csv,npy,npz,gz,txt}"),
      },
    },
  );
  try {
    await client.start();
  } catch (error) {
    window.showErrorMessage(
      `"${command} lsp" cannot be started: ${error.message}. Install dlmc, or set dlm.server.path.`,
    );
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running && running.isRunning()) {
    await running.stop();
  }
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("dlm.restart", async () => {
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
