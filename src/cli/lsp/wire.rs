//! JSON-RPC over a stream, as the Language Server Protocol frames it: `Content-Length`, an empty line, that many bytes of JSON.
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};

/// Longest message, in bytes. The longest source has 8 MiB, and JSON may write a byte as six.
const MOST_BYTES: usize = 128 << 20;
/// Longest line of a header.
const MOST_HEADER: u64 = 4096;

/// Codes of errors, of JSON-RPC and of the protocol.
pub mod code {
    /// No JSON.
    pub const PARSE: i64 = -32700;
    /// No request, or one at the wrong time.
    pub const INVALID: i64 = -32600;
    /// There is no such method.
    pub const METHOD: i64 = -32601;
    /// The parameters are wrong.
    pub const PARAMETERS: i64 = -32602;
    /// A fault of the server.
    pub const INTERNAL: i64 = -32603;
    /// `initialize` has not come yet.
    pub const NOT_INITIALIZED: i64 = -32002;
    /// The request is well formed and cannot be done; the message says why.
    pub const FAILED: i64 = -32803;
    /// The text has changed since.
    pub const MODIFIED: i64 = -32801;
    /// The client wants no answer any more.
    pub const CANCELLED: i64 = -32800;
}

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A message.
    Message(Value),
    /// Bytes that are no message, and why.
    Malformed(String),
    /// The end of the stream.
    End,
}

/// Reads one message.
///
/// # Errors
/// Where the stream fails, or so that the next message cannot be found.
pub fn read(from: &mut impl BufRead) -> io::Result<Incoming> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if from.take(MOST_HEADER).read_line(&mut line)? == 0 {
            return Ok(Incoming::End);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let Some(length) = length else {
        return Ok(Incoming::Malformed(
            "a message without Content-Length".into(),
        ));
    };
    if length > MOST_BYTES {
        let why = format!("a message of {length} bytes, more than {MOST_BYTES}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(match serde_json::from_slice(&bytes) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Malformed(format!("no JSON: {error}")),
    })
}

/// Writes one message.
///
/// # Errors
/// Where the stream fails.
pub fn write(to: &mut impl Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    to.flush()
}

/// An error with its code, as an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: i64,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    /// A request that is well formed and cannot be done.
    pub fn failed(message: impl Into<String>) -> Refusal {
        Refusal {
            code: code::FAILED,
            message: message.into(),
        }
    }

    /// Parameters that are not those of the method.
    pub fn parameters(message: impl Into<String>) -> Refusal {
        Refusal {
            code: code::PARAMETERS,
            message: message.into(),
        }
    }
}

/// The answer to a request.
pub fn answer(id: &Value, outcome: Result<Value, Refusal>) -> Value {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(refusal) => json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": {"code": refusal.code, "message": refusal.message},
        }),
    }
}

/// A notification to the client.
pub fn notification(method: &str, parameters: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": parameters})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let message = json!({"method": "θ"});
        write(&mut bytes, &message).unwrap();
        assert!(bytes.starts_with(b"Content-Length: 15\r\n\r\n"));
        let mut stream = bytes.as_slice();
        assert_eq!(read(&mut stream).unwrap(), Incoming::Message(message));
        assert_eq!(read(&mut stream).unwrap(), Incoming::End);
    }

    #[test]
    fn what_is_no_message_does_not_hide_the_next() {
        let mut stream: &[u8] =
            b"content-length: 2\r\nContent-Type: x\r\n\r\n{]X: 1\r\n\r\nContent-Length: 2\r\n\r\n{}";
        assert!(matches!(read(&mut stream).unwrap(), Incoming::Malformed(_)));
        assert!(matches!(read(&mut stream).unwrap(), Incoming::Malformed(_)));
        assert_eq!(read(&mut stream).unwrap(), Incoming::Message(json!({})));
        let mut stream: &[u8] = b"Content-Length: 99999999999\r\n\r\n{}";
        assert!(read(&mut stream).is_err());
    }
}
