//! Documentation as one page for a browser, which loads nothing from elsewhere.
use super::super::COMPILER;
use super::super::watch::report::escape;
use super::catalogue::{Entry, Group};
use crate::base::source::FileId;
use crate::syntax::token::{self, Token};
use std::collections::HashSet;
use std::fmt::Write;

/// The whole page.
pub fn html(title: &str, groups: &[Group]) -> String {
    let title = escape(title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<input id=\"search\" type=\"search\" placeholder=\"Search ( / )\" aria-label=\"Search\" autocomplete=\"off\" spellcheck=\"false\">\n</header>\n<div class=\"columns\">\n",
        include_str!("style.css")
    );
    let mut taken = HashSet::new();
    let mut main = String::new();
    // Writing to a `String` cannot fail.
    out += "<nav aria-label=\"Groups\">\n";
    for group in groups {
        let name = escape(&group.name);
        let id = identifier(&format!("group-{}", group.name), &mut taken);
        let _ = writeln!(
            out,
            "<a href=\"#{id}\">{name} <small>{}</small></a>",
            group.entries.len()
        );
        let _ = writeln!(
            main,
            "<section id=\"{id}\">\n<h2>{name}</h2>\n<p class=\"about\">{}</p>",
            prose(&group.about)
        );
        for entry in &group.entries {
            main += &article(entry, &mut taken);
        }
        main += "</section>\n";
    }
    let _ = write!(
        out,
        "</nav>\n<main>\n{main}<p id=\"nothing\" hidden>Nothing is found.</p>\n<footer>{COMPILER}. Nothing in this file is loaded from elsewhere.</footer>\n</main>\n</div>\n<script>\n{}</script>\n</body>\n</html>\n",
        include_str!("script.js")
    );
    out
}

/// A name for links to it, which no other part of the page has.
fn identifier(name: &str, taken: &mut HashSet<String>) -> String {
    let clean: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let mut identifier = clean.clone();
    let mut turn = 2;
    while !taken.insert(identifier.clone()) {
        identifier = format!("{clean}-{turn}");
        turn += 1;
    }
    identifier
}

fn article(entry: &Entry, taken: &mut HashSet<String>) -> String {
    let id = identifier(&entry.name, taken);
    let mut out = format!(
        "<article id=\"{id}\">\n<h3><a href=\"#{id}\">{}</a></h3>\n<pre class=\"head\"><code>{}</code></pre>\n",
        escape(&entry.name),
        code(&entry.head)
    );
    if !entry.doc.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", prose(&entry.doc));
    }
    if !entry.options.is_empty() {
        out += "<dl>\n";
        for (name, doc) in &entry.options {
            let _ = writeln!(
                out,
                "<dt><code>{}</code></dt><dd>{}</dd>",
                escape(name),
                prose(doc)
            );
        }
        out += "</dl>\n";
    }
    if let Some(citation) = &entry.citation {
        let _ = writeln!(out, "<p class=\"citation\">Source: {}</p>", prose(citation));
    }
    if !entry.code.is_empty() {
        let _ = writeln!(
            out,
            "<details><summary>{}</summary><pre><code>{}</code></pre></details>",
            escape(&entry.place),
            code(entry.code.trim_end())
        );
    }
    out + "</article>\n"
}

/// A sentence, what stands in backticks as code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        out += &escape(before);
        match after.split_once('`') {
            Some((inside, after)) => {
                let _ = write!(out, "<code>{}</code>", code(inside));
                rest = after;
            }
            None => {
                out.push('`');
                rest = after;
            }
        }
    }
    out + &escape(rest)
}

/// A text of the language, its words, numbers, strings and comments marked.
fn code(text: &str) -> String {
    let mut stream = token::tokens(text, FileId::default()).stream;
    stream.sort_by_key(|(start, _, end)| (*start, *end));
    let mut out = String::new();
    let mut at = 0;
    for (start, token, end) in stream {
        let (Some(between), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        out += &comments(between);
        at = end;
        match class(&token) {
            Some(class) => {
                let _ = write!(out, "<span class=\"{class}\">{}</span>", escape(inside));
            }
            None => out += &escape(inside),
        }
    }
    out + &comments(text.get(at..).unwrap_or(""))
}

/// What stands between tokens: blanks and comments.
fn comments(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.find('#').map(|at| line.split_at(at)) {
            Some((before, comment)) => {
                let _ = write!(
                    out,
                    "{}<span class=\"c\">{}</span>",
                    escape(before),
                    escape(comment)
                );
            }
            None => out += &escape(line),
        }
    }
    out
}

fn class(token: &Token<'_>) -> Option<&'static str> {
    match token {
        Token::Doc(_) => Some("c"),
        Token::Number(_) => Some("n"),
        Token::Str(_) => Some("s"),
        Token::Let
        | Token::Fn
        | Token::If
        | Token::Else
        | Token::For
        | Token::In
        | Token::Scan
        | Token::Minimize
        | Token::True
        | Token::False
        | Token::And
        | Token::Or
        | Token::Not
        | Token::Over
        | Token::With
        | Token::To
        | Token::From
        | Token::On
        | Token::Layer
        | Token::Optimizer
        | Token::Param
        | Token::State
        | Token::Hyper
        | Token::Import
        | Token::Print
        | Token::Plot
        | Token::Save
        | Token::Load
        | Token::Assert
        | Token::Train
        | Token::Repeat
        | Token::Until
        | Token::AtMost
        | Token::Reverse
        | Token::Reducer(_) => Some("k"),
        Token::Ident(_)
        | Token::Newline
        | Token::LBrace
        | Token::RBrace
        | Token::LParen
        | Token::RParen
        | Token::LBracket
        | Token::RBracket
        | Token::Comma
        | Token::Colon
        | Token::Dot
        | Token::DotDot
        | Token::DotDotEq
        | Token::Arrow
        | Token::Pipe
        | Token::Eq
        | Token::EqEq
        | Token::Ne
        | Token::Lt
        | Token::Le
        | Token::Gt
        | Token::Ge
        | Token::Plus
        | Token::Minus
        | Token::Star
        | Token::Slash
        | Token::SlashSlash
        | Token::Percent
        | Token::At
        | Token::Caret
        | Token::ForeignComment
        | Token::Error => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked_and_kept_as_it_is() {
        let text = "fn f(x) { # why <so>\n    x < 1.5\n}";
        let marked = code(text);
        assert!(marked.contains("<span class=\"k\">fn</span>"), "{marked}");
        assert!(marked.contains("<span class=\"n\">1.5</span>"), "{marked}");
        assert!(marked.contains("# why &lt;so&gt;"), "{marked}");
        assert_eq!(plain(&marked), escape(text));
        for broken in ["\"no end", "((", "]", "`", "θ ≤ 1"] {
            assert_eq!(plain(&code(broken)), escape(broken));
        }
    }

    /// The text without its tags.
    fn plain(html: &str) -> String {
        let mut parts = html.split('<');
        let first = parts.next().unwrap_or("").to_string();
        parts.fold(first, |out, part| {
            out + part.split_once('>').map_or("", |(_, text)| text)
        })
    }

    #[test]
    fn backticks_become_code_and_one_alone_stays() {
        assert_eq!(prose("a `b` c"), "a <code>b</code> c");
        assert_eq!(prose("a ` c & d"), "a ` c &amp; d");
        let mut taken = HashSet::new();
        assert_eq!(identifier("a b", &mut taken), "a-b");
        assert_eq!(identifier("a b", &mut taken), "a-b-2");
    }
}
