//! One request to one address: `http:`, `https:` or `file:`, from an offset.
//!
//! Called by `download`, which decides about retries and other locations.
//! Invariant: a `Fault` says whether asking again can help.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, RANGE};

use crate::error::DownloadError;

/// Times and the proxy of HTTP requests.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// Time to reach a server.
    pub connect_timeout: Duration,
    /// Time a server may be silent.
    pub read_timeout: Duration,
    /// Address of a proxy for `http:` and `https:`.
    pub proxy: Option<String>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        TransportOptions {
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(30),
            proxy: None,
        }
    }
}

pub(crate) struct Fault {
    pub(crate) text: String,
    pub(crate) transient: bool,
}

pub(crate) struct Answer {
    pub(crate) body: Box<dyn Read>,
    /// First byte of the body in the file: what was asked for, or 0 if the server can't resume.
    pub(crate) offset: u64,
    /// Size of the whole file, where the server says it.
    pub(crate) total: Option<u64>,
}

pub(crate) struct Transport {
    agent: Agent,
}

impl Transport {
    pub(crate) fn new(options: &TransportOptions) -> Result<Transport, DownloadError> {
        let proxy = options.proxy.as_deref().map(|address| {
            ureq::Proxy::new(address).map_err(|source| DownloadError::Proxy {
                proxy: address.to_owned(),
                source: Box::new(source),
            })
        });
        let config = Agent::config_builder()
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.read_timeout))
            .timeout_per_read(Some(options.read_timeout))
            .http_status_as_error(false)
            .user_agent("xsc-compose")
            .proxy(proxy.transpose()?)
            .build();
        Ok(Transport {
            agent: config.into(),
        })
    }

    pub(crate) fn get(&self, url: &str, offset: u64) -> Result<Answer, Fault> {
        match url.strip_prefix("file://") {
            Some(path) => open_file(path, offset),
            None => self.get_http(url, offset),
        }
    }

    fn get_http(&self, url: &str, offset: u64) -> Result<Answer, Fault> {
        // An index is a compressed file, not a compressed transfer: bytes are wanted as they are stored.
        let mut request = self.agent.get(url).header(ACCEPT_ENCODING, "identity");
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        let response = request.call().map_err(|e| describe(&e))?;
        let status = response.status().as_u16();
        let header = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let length = header(CONTENT_LENGTH).and_then(|v| v.parse::<u64>().ok());
        let (offset, total) = match status {
            200 => (0, length),
            206 => {
                let range = header(CONTENT_RANGE).unwrap_or_default();
                let (start, total) = parse_range(&range).ok_or_else(|| Fault {
                    text: format!("unreadable Content-Range \"{range}\""),
                    transient: false,
                })?;
                (start, total)
            }
            _ => {
                let reason = response.status().canonical_reason().unwrap_or("");
                return Err(Fault {
                    text: format!("HTTP {status} {reason}").trim_end().to_owned(),
                    transient: matches!(status, 408 | 416 | 425 | 429 | 500..=599),
                });
            }
        };
        Ok(Answer {
            body: Box::new(response.into_body().into_reader()),
            offset,
            total,
        })
    }
}

/// Reads `bytes START-END/TOTAL`.
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    Some((start, total.trim().parse().ok()))
}

fn open_file(path: &str, offset: u64) -> Result<Answer, Fault> {
    let open = || -> io::Result<(File, u64)> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset.min(size)))?;
        Ok((file, size))
    };
    let (file, size) = open().map_err(|e| Fault {
        text: e.to_string(),
        transient: false,
    })?;
    Ok(Answer {
        body: Box::new(file),
        offset: offset.min(size),
        total: Some(size),
    })
}

fn describe(error: &ureq::Error) -> Fault {
    let transient = match error {
        ureq::Error::Io(e) => is_transient(e),
        ureq::Error::Timeout(_) | ureq::Error::BodyStalled => true,
        _ => false,
    };
    Fault {
        text: error.to_string(),
        transient,
    }
}

/// Whether an error of the connection may go away: nobody listening and no route will not in a second.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::parse_range;

    #[test]
    fn reads_content_range() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(parse_range("bytes */10"), None);
        assert_eq!(parse_range("items 5-9/10"), None);
    }
}
