//! `dlmc lsp`: a language server over standard input and output.
//!
//! One thread reads, one answers. A text that has changed is checked when the editor has been silent for a moment, or as soon as a request needs
//! its types; checking elaborates the program and reads its data sets, but trains nothing and makes no native code.
mod complete;
mod diagnostics;
mod document;
mod files;
mod hover;
mod library;
mod outline;
mod places;
mod rename;
mod text;
mod wire;

use super::Failure;
use document::{Checked, Document, Parsed};
use files::{Sets, real};
use library::Library;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use text::path_of;
use wire::{Incoming, Refusal, code};

/// How long the editor is silent before a changed text is checked.
const SILENCE: Duration = Duration::from_millis(120);

/// Serves the editor at standard input and output until it says `exit`.
pub fn serve() -> Result<(), Failure> {
    let (sender, receiver) = channel();
    // The thread ends with the process: it may wait for input that never comes.
    std::thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        loop {
            let incoming = wire::read(&mut input).unwrap_or(Incoming::End);
            let end = incoming == Incoming::End;
            if sender.send(incoming).is_err() || end {
                return;
            }
        }
    });
    Server::new().run(&receiver, &mut io::stdout().lock())
}

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Ready,
    ShutDown,
}

struct Server {
    phase: Phase,
    documents: Vec<Document>,
    sets: Rc<RefCell<Sets>>,
    library: Library,
    /// URIs of documents whose messages are owed to the editor.
    owed: Vec<String>,
    /// Messages that have come and not been looked at.
    queue: VecDeque<Value>,
    /// Messages for the editor.
    out: Vec<Value>,
    heard: Instant,
}

/// What a notification leads to.
enum Next {
    GoOn,
    Exit,
}

impl Server {
    fn new() -> Server {
        Server {
            phase: Phase::Fresh,
            documents: Vec::new(),
            sets: Rc::default(),
            library: Library::new(),
            owed: Vec::new(),
            queue: VecDeque::new(),
            out: Vec::new(),
            heard: Instant::now(),
        }
    }

    fn run(&mut self, from: &Receiver<Incoming>, to: &mut impl Write) -> Result<(), Failure> {
        loop {
            let end = self.hear(from);
            if let Some(message) = self.queue.pop_front() {
                if let Next::Exit = self.message(&message) {
                    return match self.phase {
                        Phase::ShutDown => Ok(()),
                        Phase::Fresh | Phase::Ready => Err(Failure::Program),
                    };
                }
            } else if end {
                // The editor is gone without a word.
                return Err(Failure::Program);
            } else if self.heard.elapsed() >= SILENCE {
                self.publish_next();
            }
            for message in self.out.drain(..) {
                wire::write(to, &message).map_err(|_| Failure::Program)?;
            }
        }
    }

    /// Takes over what has come; waits only where there is nothing to do. Whether the stream has ended.
    fn hear(&mut self, from: &Receiver<Incoming>) -> bool {
        loop {
            let wait = match (self.queue.is_empty(), self.owed.is_empty()) {
                (false, _) => Some(Duration::ZERO),
                (true, false) => Some(SILENCE.saturating_sub(self.heard.elapsed())),
                (true, true) => None,
            };
            let incoming = match wait {
                Some(wait) => from.recv_timeout(wait),
                None => from.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match incoming {
                Ok(Incoming::Message(message)) => {
                    self.heard = Instant::now();
                    self.enqueue(message);
                }
                Ok(Incoming::Malformed(why)) => {
                    let refusal = Refusal {
                        code: code::PARSE,
                        message: why,
                    };
                    self.out.push(wire::answer(&Value::Null, Err(refusal)));
                    return false;
                }
                Ok(Incoming::End) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn enqueue(&mut self, message: Value) {
        let method = message.get("method").and_then(Value::as_str);
        if method != Some("$/cancelRequest") {
            self.queue.push_back(message);
            return;
        }
        let id = message.pointer("/params/id").unwrap_or(&Value::Null);
        let waiting =
            |queued: &Value| queued.get("method").is_some() && queued.get("id") == Some(id);
        if let Some(at) = self.queue.iter().position(waiting) {
            self.queue.remove(at);
            let refusal = Refusal {
                code: code::CANCELLED,
                message: "cancelled".into(),
            };
            self.out.push(wire::answer(id, Err(refusal)));
        }
    }

    fn message(&mut self, message: &Value) -> Next {
        let method = message.get("method").and_then(Value::as_str);
        let none = Value::Null;
        let parameters = message.get("params").unwrap_or(&none);
        match (method, message.get("id")) {
            (Some(method), Some(id)) => {
                let outcome = self.guarded(|server| server.request(method, parameters));
                self.out.push(wire::answer(id, outcome));
                Next::GoOn
            }
            (Some("exit"), None) => Next::Exit,
            (Some(method), None) => {
                let outcome = self.guarded(|server| server.notified(method, parameters));
                if let Err(refusal) = outcome {
                    self.log(&format!("{method}: {}", refusal.message));
                }
                Next::GoOn
            }
            // An answer: this server asks nothing.
            (None, _) if message.get("result").is_some() || message.get("error").is_some() => {
                Next::GoOn
            }
            (None, id) => {
                let refusal = Refusal {
                    code: code::INVALID,
                    message: "a message without a method".into(),
                };
                let id = id.unwrap_or(&Value::Null);
                self.out.push(wire::answer(id, Err(refusal)));
                Next::GoOn
            }
        }
    }

    /// Does something; a fault of the server's becomes an error, and the server goes on.
    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Server) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let outcome = catch_unwind(AssertUnwindSafe(|| act(self)));
        outcome.unwrap_or_else(|_| {
            Err(Refusal {
                code: code::INTERNAL,
                message: "fault of the compiler: please report the program".into(),
            })
        })
    }

    fn log(&mut self, message: &str) {
        let parameters = json!({"type": 1, "message": message});
        self.out
            .push(wire::notification("window/logMessage", parameters));
    }

    fn request(&mut self, method: &str, parameters: &Value) -> Result<Value, Refusal> {
        let refused = |code: i64, message: &str| {
            let message = message.to_string();
            Err(Refusal { code, message })
        };
        match (self.phase, method) {
            (Phase::Fresh, "initialize") => {
                self.phase = Phase::Ready;
                return Ok(capabilities());
            }
            (Phase::Fresh, _) => {
                return refused(code::NOT_INITIALIZED, "`initialize` has to come first");
            }
            (Phase::Ready, "initialize") => {
                return refused(code::INVALID, "`initialize` came before");
            }
            (Phase::ShutDown, _) => return refused(code::INVALID, "the server has shut down"),
            (Phase::Ready, _) => {}
        }
        match method {
            "shutdown" => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            "textDocument/hover" => self.about(parameters, Server::hover),
            "textDocument/definition" => self.about(parameters, Server::definition),
            "textDocument/references" => self.about(parameters, Server::references),
            "textDocument/documentHighlight" => self.about(parameters, Server::highlights),
            "textDocument/completion" => self.about(parameters, Server::completion),
            "textDocument/prepareRename" => self.about(parameters, Server::prepare_rename),
            "textDocument/rename" => self.about(parameters, Server::rename),
            "textDocument/documentSymbol" => self.about(parameters, Server::symbols),
            "textDocument/formatting" => self.about(parameters, Server::formatting),
            "textDocument/inlayHint" => self.about(parameters, Server::hints),
            "textDocument/codeAction" => self.about(parameters, Server::mends),
            _ => refused(code::METHOD, &format!("there is no method `{method}`")),
        }
    }

    /// Answers a request about an open document; about another one the answer is `null`.
    fn about(
        &mut self,
        parameters: &Value,
        answer: impl FnOnce(&mut Server, usize, &Value) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let Some(uri) = uri(parameters) else {
            return Err(Refusal::parameters("no `textDocument.uri`"));
        };
        if self.changes_soon(uri) {
            return Err(Refusal {
                code: code::MODIFIED,
                message: "the text has changed".into(),
            });
        }
        match self.find(uri) {
            Some(at) => answer(self, at, parameters),
            None => Ok(Value::Null),
        }
    }

    /// Whether a change of a document waits in the queue, which makes an answer about it worthless.
    fn changes_soon(&self, wanted: &str) -> bool {
        self.queue.iter().any(|message| {
            let method = message.get("method").and_then(Value::as_str);
            let parameters = message.get("params").unwrap_or(&Value::Null);
            method == Some("textDocument/didChange") && uri(parameters) == Some(wanted)
        })
    }

    fn notified(&mut self, method: &str, parameters: &Value) -> Result<(), Refusal> {
        if self.phase != Phase::Ready {
            return Ok(());
        }
        match method {
            "textDocument/didOpen" => self.opened(parameters),
            "textDocument/didChange" => self.changed(parameters),
            "textDocument/didClose" => self.closed(parameters),
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                // Another file may have been written: data, or what is imported.
                for at in 0..self.documents.len() {
                    self.owe(at);
                }
                Ok(())
            }
            // `initialized`, and whatever else needs no answer.
            _ => Ok(()),
        }
    }

    fn opened(&mut self, parameters: &Value) -> Result<(), Refusal> {
        let document = parameters.get("textDocument").unwrap_or(&Value::Null);
        let text = document.get("text").and_then(Value::as_str);
        let (Some(uri), Some(text)) = (uri(parameters), text) else {
            return Err(Refusal::parameters(
                "no `textDocument` with `uri` and `text`",
            ));
        };
        let version = document.get("version").and_then(Value::as_i64);
        self.documents.retain(|open| open.uri != uri);
        self.documents.push(Document::new(uri, version, text));
        self.touched(self.documents.len() - 1);
        Ok(())
    }

    fn changed(&mut self, parameters: &Value) -> Result<(), Refusal> {
        let at = uri(parameters).and_then(|uri| self.find(uri));
        let changes = parameters.get("contentChanges").and_then(Value::as_array);
        let (Some(at), Some(changes)) = (at, changes) else {
            return Err(Refusal::parameters(
                "no open document, or no `contentChanges`",
            ));
        };
        let version = parameters.pointer("/textDocument/version");
        let version = version.and_then(Value::as_i64);
        let mut text = self.documents[at].text.clone();
        for change in changes {
            let changed = text.changed(change);
            text = changed.ok_or_else(|| Refusal::parameters("a change without text or range"))?;
        }
        self.documents[at].replace(text, version);
        self.touched(at);
        Ok(())
    }

    fn closed(&mut self, parameters: &Value) -> Result<(), Refusal> {
        let Some(at) = uri(parameters).and_then(|uri| self.find(uri)) else {
            return Ok(());
        };
        let document = self.documents.remove(at);
        self.owed.retain(|uri| *uri != document.uri);
        if let Some(path) = &document.path {
            self.importers(path);
        }
        let parameters = json!({"uri": document.uri, "diagnostics": []});
        self.out.push(wire::notification(
            "textDocument/publishDiagnostics",
            parameters,
        ));
        Ok(())
    }

    /// A document has another text: its messages are owed, and those of what imports it.
    fn touched(&mut self, at: usize) {
        self.owe(at);
        if let Some(path) = self.documents[at].path.clone() {
            self.importers(&path);
        }
    }

    fn importers(&mut self, path: &std::path::Path) {
        let users: Vec<usize> = (0..self.documents.len())
            .filter(|&at| self.documents[at].imports(path))
            .collect();
        users.into_iter().for_each(|at| self.owe(at));
    }

    fn owe(&mut self, at: usize) {
        self.documents[at].forget();
        let uri = self.documents[at].uri.clone();
        self.owed.retain(|owed| *owed != uri);
        self.owed.push(uri);
    }

    fn find(&self, uri: &str) -> Option<usize> {
        // The same file may be written in more than one way.
        let same = self.documents.iter().position(|open| open.uri == uri);
        same.or_else(|| {
            let path = real(&path_of(uri)?);
            self.documents
                .iter()
                .position(|open| open.path.as_ref() == Some(&path))
        })
    }

    /// The tree and names of a document, and its types; it is checked now where it was not.
    fn known(&mut self, at: usize) -> (Rc<Parsed>, Rc<Checked>) {
        let open = self.open_texts();
        let fresh = self.documents[at].is_unchecked();
        let parsed = self.documents[at].parsed();
        let checked = self.documents[at].checked(&self.sets, open);
        let uri = self.documents[at].uri.clone();
        if fresh && self.owed.contains(&uri) {
            self.owed.retain(|owed| *owed != uri);
            self.publish(at, &parsed, &checked);
        }
        (parsed, checked)
    }

    fn open_texts(&self) -> HashMap<PathBuf, Arc<str>> {
        self.documents
            .iter()
            .filter_map(|open| Some((open.path.clone()?, open.text.text.clone())))
            .collect()
    }

    /// Checks one of the documents whose messages are owed.
    fn publish_next(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        let uri = self.owed.remove(0);
        let outcome = self.guarded(|server| {
            let Some(at) = server.find(&uri) else {
                return Ok(());
            };
            let open = server.open_texts();
            let parsed = server.documents[at].parsed();
            let checked = server.documents[at].checked(&server.sets, open);
            server.publish(at, &parsed, &checked);
            Ok(())
        });
        if let Err(refusal) = outcome {
            self.log(&refusal.message);
        }
    }

    fn publish(&mut self, at: usize, parsed: &Parsed, checked: &Checked) {
        let found = self.diagnostics(at, parsed, checked);
        let document = &self.documents[at];
        let mut parameters = json!({"uri": document.uri, "diagnostics": found});
        if let Some(version) = document.version {
            parameters["version"] = version.into();
        }
        self.out.push(wire::notification(
            "textDocument/publishDiagnostics",
            parameters,
        ));
    }
}

/// The document that parameters speak of.
fn uri(parameters: &Value) -> Option<&str> {
    parameters.pointer("/textDocument/uri")?.as_str()
}

fn capabilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": {"openClose": true, "change": 2, "save": true},
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "documentHighlightProvider": true,
            "completionProvider": {"triggerCharacters": [".", "("]},
            "renameProvider": {"prepareProvider": true},
            "documentSymbolProvider": true,
            "documentFormattingProvider": true,
            "inlayHintProvider": true,
            "codeActionProvider": {"codeActionKinds": ["quickfix"]},
        },
        "serverInfo": {"name": "dlmc", "version": env!("CARGO_PKG_VERSION")},
    })
}
