//! Blocks in other languages. TOML is read and held against what it configures; Python and Lua run where their programs are, and a Python
//! block whose packages are not there is compiled at least.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Python: the one that `DLMC_TEST_PYTHON` names, or the first on the path.
fn python() -> Option<&'static str> {
    static FOUND: LazyLock<Option<String>> = LazyLock::new(|| {
        let named = std::env::var("DLMC_TEST_PYTHON").ok();
        let names = named.into_iter().chain(["python3".to_string()]);
        let starts = |name: &String| {
            let mut command = Command::new(name);
            let command = command.arg("--version").stdout(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        names.into_iter().find(starts)
    });
    FOUND.as_deref()
}

/// Compiles what it is given, and says which of the packages that it imports are not there.
const LOOK: &str = "
import ast, importlib.util, sys
text = sys.stdin.read()
tree = ast.parse(text)
names = set()
for node in ast.walk(tree):
    if isinstance(node, ast.Import):
        names.update(alias.name.split('.')[0] for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        names.add(node.module.split('.')[0])
# pandas plots with it.
if '.plot(' in text:
    names.add('matplotlib')
print(*sorted(name for name in names if importlib.util.find_spec(name) is None))
";

/// Runs a Python program in a folder; what it prints, or nothing where something that it needs is not there.
///
/// # Errors
/// Why it does not compile or run.
pub fn run_python(folder: &Path, text: &str) -> Result<Option<String>, String> {
    let Some(python) = python() else {
        eprintln!("no Python: its blocks are not looked at");
        return Ok(None);
    };
    let missing = fed(Command::new(python).args(["-c", LOOK]), folder, text)?;
    if !missing.trim().is_empty() {
        eprintln!("a Python block is compiled only: {python} lacks {missing}");
        return Ok(None);
    }
    fed(Command::new(python).arg("-"), folder, text).map(Some)
}

/// As much of Neovim as a configuration for a language server asks for; it prints what it was told.
const NEOVIM: (&str, &str) = (
    "local told = {}
local function list(key, values) told[#told + 1] = key .. ' ' .. table.concat(values, ' ') end
vim = {
    filetype = { add = function(types)
        for ending, kind in pairs(types.extension) do list('ending', { ending, kind }) end
    end },
    lsp = {
        config = function(name, settings)
            for _, key in ipairs { 'cmd', 'filetypes', 'root_markers' } do list(key, settings[key]) end
            list('config', { name })
        end,
        enable = function(name) list('enable', { name }) end,
        inlay_hint = { enable = function(on) list('hints', { tostring(on) }) end },
    },
}
",
    "\nprint(table.concat(told, '\\n'))\n",
);

/// Runs a configuration of Neovim, where Lua is there.
///
/// # Errors
/// Why it does not run, or what it says that is wrong.
pub fn run_lua(folder: &Path, text: &str) -> Result<(), String> {
    let starts = |name: &&&str| {
        let mut command = Command::new(name);
        let command = command
            .arg("-v")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let names = ["lua", "lua5.4", "lua5.3", "luajit"];
    let Some(lua) = names.iter().find(starts) else {
        eprintln!("no Lua: its blocks are not looked at");
        return Ok(());
    };
    let program = format!("{}{text}{}", NEOVIM.0, NEOVIM.1);
    let told = fed(Command::new(lua).arg("-"), folder, &program)?;
    let wanted = [
        "ending dlm dlm",
        "cmd dlmc lsp",
        "filetypes dlm",
        "config dlm",
        "enable dlm",
        "hints true",
    ];
    match wanted
        .iter()
        .find(|line| !told.lines().any(|told| told == **line))
    {
        None => Ok(()),
        Some(line) => Err(format!("it does not say `{line}`, but\n{told}")),
    }
}

/// Gives a text to a program; what the program prints.
fn fed(command: &mut Command, folder: &Path, text: &str) -> Result<String, String> {
    let input = folder.join("block.txt");
    std::fs::write(&input, text).expect("written");
    let run = command
        .current_dir(folder)
        .env("MPLBACKEND", "Agg")
        .stdin(std::fs::File::open(&input).expect("it was written"))
        .output()
        .map_err(|error| error.to_string())?;
    match run.status.success() {
        true => Ok(String::from_utf8_lossy(&run.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&run.stderr).into_owned()),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn json(path: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(root().join(path)).expect("the file is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Reads a TOML block: dependencies of a Rust package, or a configuration of Helix.
///
/// # Errors
/// What is wrong with it.
pub fn read_toml(text: &str) -> Result<(), String> {
    let table: Result<toml::Table, _> = text.parse();
    let table = table.map_err(|error: toml::de::Error| error.to_string())?;
    table
        .iter()
        .try_for_each(|(key, value)| match key.as_str() {
            "dependencies" => dependency(at(value, "dlmc")?),
            "language-server" => server(at(value, "dlmc")?),
            "language" => language(value.get(0).ok_or("no language")?),
            "grammar" => grammar(value.get(0).ok_or("no grammar")?),
            other => Err(format!("nothing is known of `{other}`")),
        })
}

fn at<'t>(value: &'t toml::Value, key: &str) -> Result<&'t toml::Value, String> {
    value.get(key).ok_or_else(|| format!("no `{key}`"))
}

fn text<'t>(value: &'t toml::Value, key: &str) -> Result<&'t str, String> {
    let text = at(value, key)?.as_str();
    text.ok_or_else(|| format!("`{key}` is no text"))
}

fn texts(value: &toml::Value, key: &str) -> Result<Vec<String>, String> {
    let list = at(value, key)?.as_array();
    let list = list.ok_or_else(|| format!("`{key}` is no list"))?;
    let texts = list.iter().map(|item| item.as_str().map(String::from));
    let texts: Option<Vec<String>> = texts.collect();
    texts.ok_or_else(|| format!("`{key}` is no list of texts"))
}

fn equal(key: &str, own: &str, elsewhere: &serde_json::Value) -> Result<(), String> {
    match elsewhere.as_str() == Some(own) {
        true => Ok(()),
        false => Err(format!("`{key}` is {own:?}, and {elsewhere} elsewhere")),
    }
}

/// The features are those of the package.
fn dependency(dlmc: &toml::Value) -> Result<(), String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    text(dlmc, "path")?;
    let known = ["path", "default-features", "features"];
    let mut keys = dlmc.as_table().ok_or("no table")?.keys();
    if let Some(key) = keys.find(|key| !known.contains(&key.as_str())) {
        return Err(format!("a dependency has no `{key}`"));
    }
    let features = match dlmc.get("features") {
        Some(_) => texts(dlmc, "features")?,
        None => Vec::new(),
    };
    let unknown = |name: &&String| manifest["features"].get(name.as_str()).is_none();
    match features.iter().find(unknown) {
        Some(name) => Err(format!("dlmc has no feature {name}")),
        None => Ok(()),
    }
}

/// The server is a command that there is.
fn server(server: &toml::Value) -> Result<(), String> {
    equal("command", text(server, "command")?, &"dlmc".into())?;
    match super::commands::wrong_call(&texts(server, "args")?) {
        Some(wrong) => Err(wrong),
        None => Ok(()),
    }
}

/// What Visual Studio Code is told of the language and what Helix is told are the same.
fn language(language: &toml::Value) -> Result<(), String> {
    let package = json("editors/vscode/package.json");
    let comments = json("editors/vscode/language-configuration.json");
    let contributed = &package["contributes"];
    let own = |key: &str| text(language, key);
    equal("name", own("name")?, &contributed["languages"][0]["id"])?;
    equal(
        "scope",
        own("scope")?,
        &contributed["grammars"][0]["scopeName"],
    )?;
    let comment = &comments["comments"]["lineComment"];
    equal("comment-token", own("comment-token")?, comment)?;
    let endings = texts(language, "file-types")?.into_iter();
    let endings: Vec<String> = endings.map(|ending| format!(".{ending}")).collect();
    let elsewhere = &contributed["languages"][0]["extensions"];
    if serde_json::json!(endings) != *elsewhere {
        return Err(format!("files end in {elsewhere}, not {endings:?}"));
    }
    match texts(language, "language-servers")?.as_slice() {
        [one] if one == "dlmc" => Ok(()),
        others => Err(format!("the servers are {others:?}")),
    }
}

fn grammar(grammar: &toml::Value) -> Result<(), String> {
    equal("name", text(grammar, "name")?, &"dlm".into())?;
    let path = text(at(grammar, "source")?, "path")?;
    let own = path.strip_prefix("/path/to/dlmc/");
    match own.is_some_and(|path| root().join(path).join("grammar.js").is_file()) {
        true => Ok(()),
        false => Err(format!("{path} is no folder of a grammar here")),
    }
}

#[test]
fn what_is_wrong_in_a_block_is_found() {
    for wrong in [
        "[dependencies]\ndlmc = { path = \"..\", features = [\"image\"] }\n",
        "[dependencies]\ndlmc = { path = \"..\", default-feature = false }\n",
        "[language-server.dlmc]\ncommand = \"dlmc\"\nargs = [\"serve\"]\n",
        "[[language]]\nname = \"dlm\"\nscope = \"source.dlm\"\nfile-types = [\"dl\"]\ncomment-token = \"#\"\n",
        "[[language]]\nname = \"dlm\"\nscope = \"source.dlm\"\nfile-types = [\"dlm\"]\ncomment-token = \"//\"\n",
        "[[grammar]]\nname = \"dlm\"\nsource = { path = \"/path/to/dlmc/editors\" }\n",
        "[dependencies\n",
        "[dependencies]\ndlmc = \"1\"\n",
        "[language-server.dlm]\ncommand = \"dlmc\"\nargs = [\"lsp\"]\n",
        "[language-server.dlmc]\nargs = [\"lsp\"]\n",
        "[[language]]\nname = \"dlm\"\nscope = \"source.dlm\"\nfile-types = [\"dlm\"]\ncomment-token = \"#\"\n",
    ] {
        assert!(read_toml(wrong).is_err(), "{wrong}");
    }
}
