//! Examples below the help of each command: together they show each of its flags.
use clap::Command;

/// A command, the arguments that it needs, and examples with what they do.
type Entry = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The examples of each command.
const EXAMPLES: &[Entry] = &[
    (
        "run",
        "model.dlm",
        &[
            (
                "dlmc run model.dlm rate=0.01 hidden=64",
                "with other hyper-parameters",
            ),
            ("dlmc run - < model.dlm", "a program from standard input"),
            (
                "dlmc run model.dlm --progress 2> epochs.txt",
                "each epoch, to a file",
            ),
            ("dlmc run model.dlm --quiet", "only what the program prints"),
            (
                "dlmc run model.dlm --verbose --time",
                "what was compiled, where the time went",
            ),
            (
                "dlmc run model.dlm --checkpoint state --every 30s",
                "can be stopped at any time",
            ),
            (
                "dlmc run model.dlm --checkpoint state --resume",
                "goes on where it was stopped",
            ),
            (
                "dlmc run model.dlm --receipt run.receipt",
                "for `dlmc verify`",
            ),
            (
                "dlmc run model.dlm --on-nonfinite warn",
                "goes on after a NaN",
            ),
            (
                "dlmc run model.dlm --log steps.jsonl --tensorboard logs",
                "curves for other tools",
            ),
            (
                "dlmc run model.dlm --report report.html",
                "curves and kernels as a page",
            ),
        ],
    ),
    (
        "verify",
        "run.receipt",
        &[
            (
                "dlmc verify run.receipt",
                "the program that the receipt names",
            ),
            (
                "dlmc verify run.receipt model.dlm",
                "one that lies elsewhere",
            ),
        ],
    ),
    (
        "verify-passes",
        "model.dlm",
        &[(
            "dlmc verify-passes model.dlm --rounds 5 --most 1e6",
            "more inputs, smaller graphs",
        )],
    ),
    (
        "check",
        "model.dlm",
        &[
            (
                "dlmc check model.dlm",
                "errors, or parameters, memory and time",
            ),
            (
                "dlmc check model.dlm --message-format github",
                "errors as annotations of a change",
            ),
        ],
    ),
    (
        "bench",
        "model.dlm",
        &[
            ("dlmc bench model.dlm --seconds 10", "a longer measurement"),
            (
                "dlmc bench model.dlm --check 100 --json",
                "the loss of step 100, for a script",
            ),
        ],
    ),
    (
        "explain",
        "model.dlm",
        &[(
            "dlmc explain model.dlm --seconds 10 --all",
            "kernels that take little time too",
        )],
    ),
    (
        "derive",
        "model.dlm",
        &[
            ("dlmc derive model.dlm --of W", "by one parameter"),
            (
                "dlmc derive model.dlm --latex > gradients.tex",
                "for a paper",
            ),
        ],
    ),
    (
        "graph",
        "model.dlm --output model.svg",
        &[
            ("dlmc graph model.dlm --output model.svg", "the layers"),
            (
                "dlmc graph model.dlm --output model.dot --depth 1",
                "those of the model's own text, for Graphviz",
            ),
            (
                "dlmc graph model.dlm --output - --stage kernels > step.svg",
                "what runs in a step",
            ),
        ],
    ),
    (
        "repl",
        "model.dlm",
        &[
            ("dlmc repl", "the same as dlmc alone"),
            ("dlmc repl model.dlm", "goes on behind a program"),
        ],
    ),
    (
        "fmt",
        "model.dlm",
        &[
            ("dlmc fmt model.dlm layers/", "files, and all in folders"),
            ("dlmc fmt --check .", "for a test: lists what would change"),
            ("dlmc fmt - < model.dlm", "to standard output"),
        ],
    ),
    ("lsp", "", &[("dlmc lsp", "an editor starts it")]),
    (
        "doc",
        "relu",
        &[
            ("dlmc doc", "all names, a line each"),
            ("dlmc doc cross_entropy", "one of them"),
            ("dlmc doc losses", "a group"),
            ("dlmc doc --file model.dlm", "what a program declares"),
            (
                "dlmc doc --html library.html",
                "all of it as a page that can be searched",
            ),
        ],
    ),
    (
        "explain-error",
        "E0317",
        &[
            ("dlmc explain-error", "all codes, a line each"),
            ("dlmc explain-error E0317", "one of them"),
        ],
    ),
    (
        "new",
        "flats",
        &[
            ("dlmc new flats", "a regression on a table"),
            (
                "dlmc new shapes --template images",
                "a convolutional network",
            ),
        ],
    ),
    (
        "data",
        "iris.csv",
        &[
            ("dlmc data iris.csv", "columns, ranges, classes"),
            (
                "dlmc data 'parts/*.csv' --all",
                "several files, every column",
            ),
            (
                "dlmc data old.txt --separator ';' --no-header --missing - --color never",
                "a table that says less of itself",
            ),
            ("dlmc data digits.npz --json", "for other tools"),
        ],
    ),
    (
        "predict",
        "model.dlm --weights net.safetensors --input new.csv",
        &[
            (
                "dlmc predict iris.dlm --weights net.safetensors --input new.csv",
                "a table of predictions",
            ),
            (
                "dlmc predict iris.dlm --weights net.safetensors --input - < new.csv",
                "rows from standard input",
            ),
            (
                "dlmc predict digits.dlm --weights net.npz --input images.npy --output labels.csv",
                "to a file",
            ),
            (
                "dlmc predict gan.dlm --weights g.npz --input noise.npy --model g --raw",
                "one of two models, numbers as they are",
            ),
        ],
    ),
    (
        "emit",
        "model.dlm --stage clif",
        &[
            ("dlmc emit model.dlm --stage tir", "the tensor program"),
            ("dlmc emit model.dlm --stage after:fuse", "behind a pass"),
            (
                "dlmc emit model.dlm --stage asm",
                "the machine's instructions",
            ),
        ],
    ),
    (
        "completions",
        "bash",
        &[
            (
                "dlmc completions bash > ~/.local/share/bash-completion/completions/dlmc",
                "",
            ),
            (
                "dlmc completions zsh > ~/.zfunc/_dlmc",
                "a folder of $fpath",
            ),
            (
                "dlmc completions fish > ~/.config/fish/completions/dlmc.fish",
                "",
            ),
        ],
    ),
    (
        "man",
        "run",
        &[
            ("dlmc man | man -l -", "shows the page of dlmc"),
            ("dlmc man run | man -l -", "that of a command"),
            ("dlmc man --dir share/man/man1", "writes all of them"),
        ],
    ),
];

/// Flags that many commands have, with a value, and what they then do; in lines as they are shown.
const SHARED: &[&[(&str, &str, &str)]] = &[
    &[
        ("threads", "2", "two threads"),
        ("seed", "7", "other random numbers"),
        ("color", "never", "no colours"),
    ],
    &[("message-format", "json", "messages for other programs")],
    &[
        ("cpu", "baseline", "code for any processor"),
        ("skip", "fuse", "without a pass"),
    ],
    &[
        ("max-memory", "2G", "refused beyond 2 GB"),
        ("max-params", "1e6", "or a million parameters"),
    ],
];

/// Columns that a command may take with what it does beside it; what a longer one does stands alone.
const MOST_WIDTH: usize = 66;

/// The examples of a command, each with what it does.
fn of(command: &Command) -> Vec<(String, String)> {
    let name = command.get_name();
    let Some((_, needed, own)) = EXAMPLES.iter().find(|(known, ..)| *known == name) else {
        return Vec::new();
    };
    let own = own
        .iter()
        .map(|(line, what)| (line.to_string(), what.to_string()));
    let has = |flag: &str| {
        let mut arguments = command.get_arguments();
        arguments.any(|arg| arg.get_long() == Some(flag))
    };
    let shared = SHARED.iter().filter_map(|line| {
        let flags = line.iter().filter(|(flag, ..)| has(flag));
        let (mut written, mut what) = (format!("dlmc {name} {needed}"), Vec::new());
        for (flag, value, does) in flags {
            written += &format!(" --{flag} {value}");
            what.push(*does);
        }
        (!what.is_empty()).then(|| (written, what.join(", ")))
    });
    own.chain(shared).collect()
}

/// A command with its examples below its help, behind what is said there already.
pub fn added(command: Command) -> Command {
    let examples = of(&command);
    let lengths = examples.iter().map(|(line, _)| line.len());
    let width = lengths.filter(|&n| n <= MOST_WIDTH).max().unwrap_or(0);
    let shown: Vec<String> = examples
        .iter()
        .map(|(line, what)| format!("  {line:<width$}  {what}").trim_end().to_string())
        .collect();
    let before = command.get_after_help().map(|help| format!("{help}\n\n"));
    let text = format!(
        "{}Examples:\n{}",
        before.unwrap_or_default(),
        shown.join("\n")
    );
    command.after_help(text)
}

/// The words of an example up to where the shell's own begin.
#[cfg(test)]
pub fn words(line: &str) -> Vec<String> {
    let words = line.split_whitespace();
    let own = words.take_while(|word| !matches!(*word, "<" | ">" | "2>" | "|"));
    own.map(str::to_string).collect()
}

/// All examples.
#[cfg(test)]
pub fn lines(command: &Command) -> Vec<String> {
    let subs = command.get_subcommands();
    let examples = subs.flat_map(of);
    examples.map(|(line, _)| line).collect()
}
