//! The files of a static cache on an HTTP server: plain GET, with a range where one is wanted.
//!
//! `dir` reads through it. Invariant: every wait has an end, so a server that hangs costs its
//! time-out once and is then left alone.

use std::io::{self, Read};
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{ACCEPT_ENCODING, AUTHORIZATION, RANGE};

use crate::cache::CacheError;
use crate::dir::Files;

/// Times, proxy and credentials of requests.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Time to reach the server.
    pub connect_timeout: Duration,
    /// Time that the server may be silent.
    pub read_timeout: Duration,
    /// Address of a proxy.
    pub proxy: Option<String>,
    /// A bearer token.
    pub token: Option<String>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(15),
            proxy: None,
            token: None,
        }
    }
}

pub(crate) struct HttpFiles {
    name: String,
    base: String,
    token: Option<String>,
    agent: Agent,
}

impl HttpFiles {
    pub(crate) fn new(
        name: &str,
        url: &str,
        options: &HttpOptions,
    ) -> Result<HttpFiles, CacheError> {
        let proxy = options.proxy.as_deref().map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|error| CacheError::Unavailable {
            cache: name.to_owned(),
            problem: format!("its proxy cannot be used: {error}"),
        })?;
        let config = Agent::config_builder()
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.read_timeout))
            .timeout_per_read(Some(options.read_timeout))
            .http_status_as_error(false)
            .user_agent("xsc-compose")
            .proxy(proxy)
            .build();
        Ok(HttpFiles {
            name: name.to_owned(),
            base: url.trim_end_matches('/').to_owned(),
            token: options.token.clone(),
            agent: config.into(),
        })
    }

    fn request(
        &self,
        path: &str,
        range: Option<(u64, u64)>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let url = format!("{}/{path}", self.base);
        let mut request = self.agent.get(&url).header(ACCEPT_ENCODING, "identity");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some((from, length)) = range {
            let last = from + length.max(1) - 1;
            request = request.header(RANGE, format!("bytes={from}-{last}"));
        }
        request.call()
    }
}

impl Files for HttpFiles {
    fn open(&self, path: &str, range: Option<(u64, u64)>) -> Result<Box<dyn Read>, CacheError> {
        let unavailable = |problem: String| CacheError::Unavailable {
            cache: self.name.clone(),
            problem,
        };
        // A connection kept from an earlier request may have been closed meanwhile: once more.
        let response = match self.request(path, range) {
            Err(ureq::Error::Io(_)) => self.request(path, range),
            other => other,
        };
        let response = response.map_err(|error| unavailable(format!("{path}: {error}")))?;
        let status = response.status().as_u16();
        let said = format!(
            "HTTP {status} {}",
            response.status().canonical_reason().unwrap_or_default()
        );
        let mut body = response.into_body().into_reader();
        match (status, range) {
            (200, None) | (206, Some(_)) => Ok(Box::new(body)),
            // The server knows no ranges.
            (200, Some((from, length))) => {
                let skipped = io::copy(&mut (&mut body).take(from), &mut io::sink());
                skipped.map_err(|error| unavailable(format!("{path}: {error}")))?;
                Ok(Box::new(body.take(length)))
            }
            (404 | 410, _) => Err(CacheError::Absent {
                cache: self.name.clone(),
                what: path.to_owned(),
            }),
            // The file is shorter than it was when the pack was described.
            (416, _) => Ok(Box::new(io::empty())),
            (400..=499, _) => Err(CacheError::Refused {
                cache: self.name.clone(),
                what: path.to_owned(),
                problem: said,
            }),
            _ => Err(unavailable(format!("{path}: {}", said.trim_end()))),
        }
    }
}
