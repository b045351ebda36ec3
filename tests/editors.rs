//! The TextMate grammar of the editors against the compiler's own tokens: a token of each kind has to lie in its scope, over all programs.
use dlmc::base::source::FileId;
use dlmc::syntax::token::{Token, tokens};
use fancy_regex::{Captures, Regex};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const GRAMMAR: &str = "editors/vscode/syntaxes/dlm.tmLanguage.json";

/// Every word and sign of the language, also where words are names.
const ALL: &str = r#"import "a.dlm"
## Documentation.
hyper rate: f32 = 1e-3
optimizer plain(lr)(w, g) { state m = zeros; w - lr * g / 2 }
layer f(n = 2.5)(x: [..s, d], t: i32[n]) -> [..s, d] {
    param W: [d] = zeros # note
    for i in 0..=n { let x = x }
    x @ W
}
fn g(h: fn) { if not true and false or h′ { 1 } else { 2 } }
let state = fn (x) { x }; let y[i, j < 3] = sum[k] a[i, k] * prod [k] b[k, j] // 2 % 3 ^ 2
let (p₁, q) = scan reverse x in xs over t, h = 0 { h + x }
state = reshape(x, over = 1, layer = 2).layer[1:2, ..] |> mean
print "a {y[0]:.3} {{b}} \" {rate:8.2e}", layer, none
plot y to "x.svg"; save net to "a"; load net from "a"
assert a == b, "m"; assert a != b; assert a <= b; assert a >= b; assert a > b; assert a < b
train net on d { loss = mse }
repeat 3 { print -1 }
repeat until a, at most 3 { a = 1 }
minimize j over net with sgd(0.1)
"#;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A rule of the grammar: a match, or a range with what stands in it.
enum Kind {
    Match(Regex),
    Range { begin: Regex, end: Regex },
}

struct Rule {
    kind: Kind,
    name: Option<String>,
    /// Scopes of groups: of the match, or of the beginning.
    groups: HashMap<usize, String>,
    end_groups: HashMap<usize, String>,
    inside: Vec<usize>,
}

/// The part of a TextMate engine that the grammar needs.
struct Grammar {
    rules: Vec<Rule>,
    top: Vec<usize>,
}

struct Loader<'a> {
    repository: &'a Value,
    rules: Vec<Rule>,
    known: HashMap<String, Vec<usize>>,
}

impl Loader<'_> {
    fn patterns(&mut self, list: &Value) -> Vec<usize> {
        let list = list.as_array().into_iter().flatten();
        let list: Vec<Value> = list.cloned().collect();
        list.iter().flat_map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, rule: &Value) -> Vec<usize> {
        if let Some(include) = rule["include"].as_str() {
            let name = include.trim_start_matches('#').to_string();
            if let Some(known) = self.known.get(&name) {
                return known.clone();
            }
            let body = self.repository[&name].clone();
            assert!(body.is_object(), "{include}");
            let found = self.rule(&body);
            self.known.insert(name, found.clone());
            return found;
        }
        if rule.get("match").is_none() && rule.get("begin").is_none() {
            return self.patterns(&rule["patterns"]);
        }
        let regex = |key: &str| Regex::new(rule[key].as_str().unwrap()).unwrap();
        let groups = |key: &str| -> HashMap<usize, String> {
            let groups = rule[key].as_object().into_iter().flatten();
            groups
                .map(|(number, group)| {
                    let name = group["name"].as_str().unwrap().to_string();
                    (number.parse().unwrap(), name)
                })
                .collect()
        };
        let (kind, first) = match rule.get("match") {
            Some(_) => (Kind::Match(regex("match")), "captures"),
            None => {
                let (begin, end) = (regex("begin"), regex("end"));
                (Kind::Range { begin, end }, "beginCaptures")
            }
        };
        let at = self.rules.len();
        self.rules.push(Rule {
            kind,
            name: rule["name"].as_str().map(String::from),
            groups: groups(first),
            end_groups: groups("endCaptures"),
            inside: Vec::new(),
        });
        vec![at]
    }
}

impl Grammar {
    fn load(text: &str) -> Grammar {
        let grammar: Value = serde_json::from_str(text).unwrap();
        let mut loader = Loader {
            repository: &grammar["repository"],
            rules: Vec::new(),
            known: HashMap::new(),
        };
        let top = loader.patterns(&grammar["patterns"]);
        // What stands in ranges may include everything again, so it is joined afterwards.
        let string = &grammar["repository"]["string"]["patterns"][0];
        let outer = loader.known["string"][0];
        let inner = loader.patterns(&string["patterns"]);
        let interpolation = inner[1];
        let inside = loader.patterns(&string["patterns"][1]["patterns"]);
        loader.rules[outer].inside = inner;
        loader.rules[interpolation].inside = inside;
        Grammar {
            rules: loader.rules,
            top,
        }
    }

    /// The innermost scope of each byte of a text.
    fn scopes(&self, text: &str) -> Vec<String> {
        let mut scopes = Vec::with_capacity(text.len());
        for line in text.split('\n') {
            let mut found = vec![String::new(); line.len()];
            self.line(line, &mut found);
            scopes.append(&mut found);
            scopes.push(String::new());
        }
        scopes
    }

    fn line(&self, line: &str, scopes: &mut [String]) {
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        // A rule without width may apply once at a place.
        let mut steps = 0;
        while at <= line.len() && steps < 10_000 {
            steps += 1;
            let around = open.last().map(|&rule| &self.rules[rule]);
            let candidates = around.map_or(&self.top, |rule| &rule.inside);
            let end = around.and_then(|rule| match &rule.kind {
                Kind::Range { end, .. } => end.captures_from_pos(line, at).unwrap(),
                Kind::Match(_) => None,
            });
            let mut best: Option<(usize, Option<usize>, Captures<'_, str>)> =
                end.map(|found| (found.get(0).unwrap().start(), None, found));
            for &number in candidates {
                let regex = match &self.rules[number].kind {
                    Kind::Match(regex) => regex,
                    Kind::Range { begin, .. } => begin,
                };
                let Some(found) = regex.captures_from_pos(line, at).unwrap() else {
                    continue;
                };
                let start = found.get(0).unwrap().start();
                if best.as_ref().is_none_or(|(first, ..)| start < *first) {
                    best = Some((start, Some(number), found));
                }
            }
            let outer = open
                .iter()
                .rev()
                .find_map(|&rule| self.rules[rule].name.clone());
            let outer = outer.unwrap_or_default();
            let Some((start, rule, found)) = best else {
                scopes[at..].fill(outer);
                return;
            };
            scopes[at..start].fill(outer.clone());
            let stop = found.get(0).unwrap().end();
            let (name, groups) = match rule {
                Some(number) => (self.rules[number].name.clone(), &self.rules[number].groups),
                None => (Some(outer.clone()), &around.unwrap().end_groups),
            };
            scopes[start..stop].fill(name.unwrap_or(outer));
            for (number, scope) in groups {
                if let Some(group) = found.get(*number) {
                    scopes[group.start()..group.end()].fill(scope.clone());
                }
            }
            match rule {
                Some(number) if matches!(self.rules[number].kind, Kind::Range { .. }) => {
                    open.push(number);
                }
                Some(_) => {}
                None => drop(open.pop()),
            }
            assert!(stop > at || rule.is_none(), "no way on in {line:?} at {at}");
            if stop == line.len() {
                return;
            }
            at = stop;
        }
    }
}

/// The scopes that a token may lie in; nothing where it has no text.
fn expected(token: Token<'_>) -> &'static [&'static str] {
    use Token::*;
    match token {
        Doc(_) => &["comment.line.documentation"],
        Newline | ForeignComment => &[],
        Let => &["storage.type.let"],
        Fn => &["storage.type.function", "keyword.control"],
        Layer | Optimizer | Param | State | Hyper => &["storage.type.declaration"],
        If | Else | For | In | Scan | Minimize | Over | With | To | From | On | Until | AtMost
        | Reverse => &["keyword.control"],
        Import | Print | Plot | Save | Load | Assert | Train | Repeat => &["keyword.control"],
        True | False => &["constant.language"],
        And | Or | Not => &["keyword.operator.word"],
        Reducer(_) => &["support.function.reducer"],
        LBrace | RBrace | LParen | RParen | LBracket | RBracket => {
            &["punctuation.section.brackets"]
        }
        Comma | Colon => &["punctuation.separator"],
        Dot => &["punctuation.accessor"],
        DotDot | DotDotEq | Arrow | Pipe | Eq | EqEq | Ne | Lt | Le | Gt | Ge | Plus | Minus
        | Star | Slash | SlashSlash | Percent | At | Caret => &["keyword.operator.dlm"],
        Ident(_) => &[
            "variable",
            "entity.name",
            "support.type",
            "constant.language.dlm",
        ],
        Number(_) => &["constant.numeric"],
        Str(_) => &[
            "string.quoted",
            "constant.character",
            "meta.interpolation",
            "punctuation",
            "variable",
            "constant",
            "entity",
            "keyword",
            "support",
            "storage",
        ],
        Error => &[],
    }
}

/// What is wrong with the scopes of a text.
fn faults(grammar: &Grammar, name: &str, text: &str) -> Vec<String> {
    let scopes = grammar.scopes(text);
    let mut faults = Vec::new();
    let mut end_before = 0;
    for (start, token, end) in tokens(text, FileId(0)).stream {
        let wanted = expected(token);
        let fits = |scope: &String| wanted.iter().any(|wanted| scope.starts_with(wanted));
        let line = text[..start].matches('\n').count() + 1;
        if !wanted.is_empty() && !scopes[start..end].iter().all(fits) {
            let found: BTreeSet<&String> = scopes[start..end].iter().collect();
            faults.push(format!(
                "{name}:{line}: {:?} in {found:?}",
                &text[start..end]
            ));
        }
        if let Token::Str(_) = token {
            let quotes = [&scopes[start], &scopes[end - 1]];
            if quotes
                .iter()
                .any(|scope| *scope != "string.quoted.double.dlm")
            {
                faults.push(format!("{name}:{line}: the quotes lie in {quotes:?}"));
            }
        }
        // Between tokens stand blanks and comments.
        for (at, c) in text[end_before..start].char_indices() {
            let scope = &scopes[end_before + at];
            if !c.is_whitespace() && c != ';' && !scope.starts_with("comment") {
                faults.push(format!("{name}:{line}: {c:?} between tokens in {scope:?}"));
            }
        }
        end_before = end;
    }
    faults
}

fn programs() -> Vec<(String, String)> {
    let mut found = vec![("all".to_string(), ALL.to_string())];
    for folder in ["std", "examples", "tests/programs", "tests/language"] {
        let Ok(entries) = std::fs::read_dir(root(folder)) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|ending| ending == "dlm") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}

#[test]
fn every_token_lies_in_its_scope() {
    let grammar = Grammar::load(&std::fs::read_to_string(root(GRAMMAR)).unwrap());
    let programs = programs();
    assert!(programs.len() > 25, "the programs are found");
    let faults: Vec<String> = programs
        .iter()
        .flat_map(|(name, text)| faults(&grammar, name, text))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn names_strings_and_comments_are_told_apart() {
    let grammar = Grammar::load(&std::fs::read_to_string(root(GRAMMAR)).unwrap());
    let scopes = grammar.scopes(ALL);
    let scope = |mark: &str, inside: usize| scopes[ALL.find(mark).unwrap() + inside].as_str();
    assert_eq!(scope("layer f(n", 6), "entity.name.type.dlm");
    assert_eq!(scope("fn g(h", 3), "entity.name.function.dlm");
    assert_eq!(scope("# note", 2), "comment.line.number-sign.dlm");
    assert_eq!(scope("{y[0]", 1), "variable.other.dlm");
    assert_eq!(scope("{y[0]", 3), "constant.numeric.dlm");
    assert_eq!(scope(":.3}", 1), "constant.other.placeholder.dlm");
    assert_eq!(scope("{{b", 0), "constant.character.escape.dlm");
    assert_eq!(scope("{{b", 2), "string.quoted.double.dlm");
    assert_eq!(scope("over = 1", 0), "variable.other.assigned.dlm");
    assert_eq!(scope(").layer", 2), "variable.other.member.dlm");
    assert_eq!(scope("reshape(", 0), "entity.name.function.call.dlm");
    assert_eq!(scope("f32 =", 0), "support.type.dlm");
}

/// Every kind of token occurs in the text that has all of them, so that none goes untested.
#[test]
fn the_text_of_all_words_has_all_kinds() {
    let found = tokens(ALL, FileId(0));
    assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    let kinds: BTreeSet<String> = found
        .stream
        .iter()
        .map(|(_, token, _)| {
            let text = format!("{token:?}");
            text.split('(').next().unwrap().to_string()
        })
        .collect();
    let all = "And Arrow Assert At AtMost Caret Colon Comma Doc Dot DotDot DotDotEq Else Eq EqEq False Fn For From Ge Gt Hyper Ident If Import In LBrace LBracket LParen Layer Le Let Load Lt Minimize Minus Ne Newline Not Number On Optimizer Or Over Param Percent Pipe Plot Plus Print RBrace RBracket RParen Reducer Repeat Reverse Save Scan Slash SlashSlash Star State Str To Train True Until With";
    let missing: Vec<&str> = all
        .split(' ')
        .filter(|kind| !kinds.contains(*kind))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// `editors/check.sh` generates the parser of the tree-sitter grammar, and every program has to parse. Needs the command `tree-sitter`
/// in `PATH` (`DLMC_TEST_TREE_SITTER=required` says that it has to be there), node and a C compiler.
#[test]
fn the_tree_sitter_grammar_parses_every_program() {
    let there = std::process::Command::new("tree-sitter")
        .arg("--version")
        .output()
        .is_ok_and(|run| run.status.success());
    let wanted = std::env::var_os("DLMC_TEST_TREE_SITTER").is_some();
    assert!(there || !wanted, "there is no `tree-sitter` in PATH");
    if !there {
        eprintln!("no `tree-sitter` in PATH: its grammar is not proven");
        return;
    }
    let run = std::process::Command::new("sh")
        .arg(root("editors/check.sh"))
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{errors}");
    assert!(said.contains("every program parses"), "{said}");
}
