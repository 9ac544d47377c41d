//! A blocking client of one engine: connects once, negotiates, and stops asking a dead one.
//!
//! The other files of `reapi` call it, from several threads. Invariant: once the engine did not
//! answer, every later request fails at once, so a dead engine costs its timeout a single time.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use prost::Message;
use re::action_cache_client::ActionCacheClient;
use re::capabilities_client::CapabilitiesClient;
use re::content_addressable_storage_client::ContentAddressableStorageClient;
use re::execution_client::ExecutionClient;
use tokio::runtime::Runtime;
use tonic::metadata::{Ascii, Binary, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request, Status};

use super::digest::DigestFunction;
use super::endpoint::EndpointSettings;
use crate::CacheError;
use crate::cache::chain;

/// What one message may hold when an engine does not say: gRPC's own default.
const DEFAULT_LIMIT: u64 = 4 * 1024 * 1024;

/// How many messages an answer may be long. Directories of many entries come in one.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Waits before a request that found the engine unavailable is sent again.
const RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// How many probes of the kernel a peer leaves unanswered before the connection counts as broken.
const PROBES: u32 = 3;

/// A connection with what every request carries.
pub(crate) type Wire = InterceptedService<Channel, Headers>;

/// What the engine said it can do.
#[derive(Debug, Clone)]
pub(crate) struct Abilities {
    pub(crate) function: DigestFunction,
    /// Bytes of blobs that one batch may hold.
    pub(crate) batch: u64,
    pub(crate) executes: bool,
    pub(crate) updates_actions: bool,
    /// The whole answer, for `doctor`.
    pub(crate) said: re::ServerCapabilities,
}

enum State {
    Untried,
    Ready(Arc<Connection>),
}

/// A connection and what was negotiated.
pub(crate) struct Connection {
    wire: Wire,
    pub(crate) abilities: Abilities,
}

impl Connection {
    /// A question that an engine answers at any time, as a sign of life.
    pub(crate) async fn ask(&self, instance: &str) -> Result<re::ServerCapabilities, Status> {
        capabilities(&self.wire, instance).await
    }

    pub(crate) fn cas(&self) -> ContentAddressableStorageClient<Wire> {
        ContentAddressableStorageClient::new(self.wire.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn actions(&self) -> ActionCacheClient<Wire> {
        ActionCacheClient::new(self.wire.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn streams(&self) -> ByteStreamClient<Wire> {
        ByteStreamClient::new(self.wire.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn execution(&self) -> ExecutionClient<Wire> {
        ExecutionClient::new(self.wire.clone()).max_decoding_message_size(MAX_MESSAGE)
    }
}

/// A client of one engine.
pub(crate) struct Client {
    pub(crate) endpoint: EndpointSettings,
    runtime: Runtime,
    state: Mutex<State>,
}

impl Client {
    pub(crate) fn new(endpoint: EndpointSettings) -> Result<Client, CacheError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("xsc-remote")
            .enable_all()
            .build()
            .map_err(|source| CacheError::Local {
                action: "start the threads of a connection".to_owned(),
                source,
            })?;
        Ok(Client {
            endpoint,
            runtime,
            state: Mutex::new(State::Untried),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.endpoint.name
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Why the engine is not asked any more, if so.
    pub(crate) fn dead(&self) -> Option<&str> {
        self.endpoint.breaker.open()
    }

    fn alive(&self) -> Result<(), CacheError> {
        match self.endpoint.breaker.open() {
            Some(problem) => Err(self.unavailable(problem)),
            None => Ok(()),
        }
    }

    fn unavailable(&self, problem: &str) -> CacheError {
        CacheError::Unavailable {
            cache: self.endpoint.name.clone(),
            problem: problem.to_owned(),
        }
    }

    /// Opens the breaker: nothing is asked of this engine again.
    pub(crate) fn trip(&self, problem: String) -> CacheError {
        self.unavailable(self.endpoint.breaker.trip(problem))
    }

    pub(crate) fn refused(&self, what: &str, problem: impl Into<String>) -> CacheError {
        CacheError::Refused {
            cache: self.endpoint.name.clone(),
            what: what.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn damaged(&self, what: &str, problem: impl Into<String>) -> CacheError {
        CacheError::Damaged {
            cache: self.endpoint.name.clone(),
            what: what.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn absent(&self, what: &str) -> CacheError {
        CacheError::Absent {
            cache: self.endpoint.name.clone(),
            what: what.to_owned(),
        }
    }

    /// The connection; made by the first caller while the others wait for it.
    pub(crate) fn connection(&self) -> Result<Arc<Connection>, CacheError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.alive()?;
        if let State::Ready(connection) = &*state {
            return Ok(Arc::clone(connection));
        }
        let patience = self.endpoint.patience.connect;
        let opened = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.open()).await });
        let connection = match opened {
            Ok(opened) => Arc::new(opened?),
            Err(_) => {
                let seconds = patience.as_secs_f32();
                let url = &self.endpoint.url;
                return Err(self.trip(format!("{url} did not answer within {seconds} s")));
            }
        };
        *state = State::Ready(Arc::clone(&connection));
        Ok(connection)
    }

    async fn open(&self) -> Result<Connection, CacheError> {
        let endpoint = &self.endpoint;
        let wrong = |problem: String| self.refused(&endpoint.url, problem);
        let (address, tls) = if let Some(rest) = endpoint.url.strip_prefix("grpc://") {
            (format!("http://{rest}"), false)
        } else if let Some(rest) = endpoint.url.strip_prefix("grpcs://") {
            (format!("https://{rest}"), true)
        } else {
            return Err(wrong(
                "the address must start with grpc:// or grpcs://".to_owned(),
            ));
        };
        // The kernel counts whole seconds.
        let probes = endpoint.patience.request.max(Duration::from_secs(1));
        let mut transport = Channel::from_shared(address)
            .map_err(|error| wrong(format!("not an address: {error}")))?
            .connect_timeout(endpoint.patience.connect)
            .tcp_nodelay(true)
            // Never HTTP/2 pings: servers of gRPC allow one in five minutes and then hang up.
            .tcp_keepalive(Some(probes))
            .tcp_keepalive_interval(Some(probes))
            .tcp_keepalive_retries(Some(PROBES));
        if tls {
            let mut config = ClientTlsConfig::new().with_native_roots();
            if let Some(pem) = &endpoint.certificates {
                config = config.ca_certificate(Certificate::from_pem(pem));
            }
            transport = transport
                .tls_config(config)
                .map_err(|error| wrong(format!("cannot set TLS up: {}", chain(&error))))?;
        }
        let channel = match transport.connect().await {
            Ok(channel) => channel,
            Err(error) => {
                let problem = chain(&error);
                let hint = match tls && problem.contains("certificate") {
                    true => self.certificate_hint(),
                    false => String::new(),
                };
                let url = &endpoint.url;
                return Err(self.trip(format!("cannot connect to {url}: {problem}{hint}")));
            }
        };
        let headers = Headers::new(endpoint).map_err(wrong)?;
        let wire = InterceptedService::new(channel, headers);
        let said = match capabilities(&wire, &endpoint.instance).await {
            Ok(said) => said,
            // It would refuse everything else too.
            Err(status) if is_forbidden(&status) => {
                let (url, problem) = (&endpoint.url, words(&status));
                let hint = self.token_hint();
                return Err(self.trip(format!("{url} refuses us: {problem}{hint}")));
            }
            Err(status) => return Err(self.failed("GetCapabilities", &status)),
        };
        let abilities = self.negotiate(said)?;
        Ok(Connection { wire, abilities })
    }

    fn negotiate(&self, said: re::ServerCapabilities) -> Result<Abilities, CacheError> {
        let cache = said.cache_capabilities.clone().unwrap_or_default();
        let offered = |function: DigestFunction| cache.digest_functions.contains(&function.wire());
        let known = [DigestFunction::Blake3, DigestFunction::Sha256];
        let function = match self.endpoint.digest {
            Some(wanted) if offered(wanted) => Some(wanted),
            Some(_) => None,
            None => known.into_iter().find(|function| offered(*function)),
        };
        let Some(function) = function else {
            let offers: Vec<String> = cache
                .digest_functions
                .iter()
                .map(|value| function_name(*value))
                .collect();
            let wanted = self
                .endpoint
                .digest
                .map_or("blake3 or sha256", DigestFunction::as_str);
            let offers = match offers.is_empty() {
                true => "nothing".to_owned(),
                false => offers.join(", "),
            };
            // Asking again would give the same answer.
            let problem =
                format!("it offers the digest functions {offers}, and {wanted} is needed");
            self.endpoint.breaker.trip(problem.clone());
            return Err(self.refused("a connection", problem));
        };
        let execution = said.execution_capabilities.clone().unwrap_or_default();
        let executes = execution.exec_enabled
            && (execution.digest_function == function.wire()
                || execution.digest_functions.contains(&function.wire()));
        let batch = match u64::try_from(cache.max_batch_total_size_bytes) {
            Ok(0) | Err(_) => DEFAULT_LIMIT,
            Ok(limit) => limit.min(DEFAULT_LIMIT),
        };
        Ok(Abilities {
            function,
            // Room for the digests and names around the blobs.
            batch: batch - batch / 16,
            executes,
            updates_actions: cache
                .action_cache_update_capabilities
                .is_none_or(|update| update.update_enabled),
            said,
        })
    }

    /// One request, sent again a little later if the engine is unavailable.
    pub(crate) fn call<T, F, Fut>(&self, what: &str, operation: F) -> Result<T, CacheError>
    where
        F: Fn(Arc<Connection>) -> Fut,
        Fut: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let connection = self.connection()?;
        let mut retries = RETRIES.iter();
        loop {
            self.alive()?;
            match self.wait(operation(Arc::clone(&connection))) {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => match retries.next() {
                    Some(wait) if is_passing(&status) => std::thread::sleep(*wait),
                    _ => return Err(self.failed(what, &status)),
                },
            }
        }
    }

    /// Waits for an answer, no longer than one request may take.
    pub(crate) fn wait<T>(
        &self,
        operation: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let patience = self.endpoint.patience.request;
        match self
            .runtime
            .block_on(async { tokio::time::timeout(patience, operation).await })
        {
            Ok(result) => result,
            Err(_) => Err(Status::deadline_exceeded(format!(
                "no answer within {} s",
                patience.as_secs_f32()
            ))),
        }
    }

    /// The error that a status stands for. An engine that does not answer is not asked again.
    pub(crate) fn failed(&self, what: &str, status: &Status) -> CacheError {
        let problem = words(status);
        match status.code() {
            Code::NotFound => self.absent(what),
            Code::DataLoss => self.damaged(what, problem),
            Code::Unavailable | Code::DeadlineExceeded => self.trip(problem),
            _ if is_passing(status) => self.trip(problem),
            _ if is_forbidden(status) => {
                self.refused(what, format!("{problem}{}", self.token_hint()))
            }
            _ => self.refused(what, problem),
        }
    }

    /// What to set where the engine's certificate is not believed.
    fn certificate_hint(&self) -> String {
        let name = &self.endpoint.name;
        match self.endpoint.certificates {
            None => format!("; `ca-file` of [remote.{name}] names certificates that vouch for it"),
            Some(_) => {
                format!("; neither `ca-file` of [remote.{name}] nor this machine vouches for it")
            }
        }
    }

    /// What to set where the engine wants to know who asks.
    fn token_hint(&self) -> String {
        let name = &self.endpoint.name;
        match self.endpoint.token {
            None => format!("; it may want a token, which `token-file` of [remote.{name}] names"),
            Some(_) => format!("; it does not take the token of `token-file` of [remote.{name}]"),
        }
    }
}

/// Whether the same request may succeed a moment later: the connection broke, or the engine asks
/// for patience.
pub(crate) fn is_passing(status: &Status) -> bool {
    status.code() == Code::Unavailable
        || (matches!(
            status.code(),
            Code::Unknown | Code::Internal | Code::Cancelled
        ) && is_ours(status))
}

/// What the engine at the other end says that it can do.
async fn capabilities(wire: &Wire, instance: &str) -> Result<re::ServerCapabilities, Status> {
    let request = re::GetCapabilitiesRequest {
        instance_name: instance.to_owned(),
    };
    let mut client = CapabilitiesClient::new(wire.clone());
    Ok(client.get_capabilities(request).await?.into_inner())
}

/// Whether the status was made here, for want of a connection, and the engine did not say it.
pub(crate) fn is_ours(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// Whether the engine knows too little of who asks, or enough.
fn is_forbidden(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied
    )
}

/// A status in one line.
pub(crate) fn words(status: &Status) -> String {
    let mut text = status.message().trim().to_owned();
    if text.is_empty() {
        text = format!("{:?}", status.code());
    }
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        source = error.source();
    }
    text
}

/// The protocol's name of a digest function.
pub(crate) fn function_name(value: i32) -> String {
    re::digest_function::Value::try_from(value).map_or_else(
        |_| format!("number {value}"),
        |known| known.as_str_name().to_owned(),
    )
}

/// What every request carries: who asks, and the right to.
#[derive(Clone)]
pub(crate) struct Headers {
    token: Option<MetadataValue<Ascii>>,
    metadata: MetadataValue<Binary>,
}

impl Headers {
    fn new(endpoint: &EndpointSettings) -> Result<Headers, String> {
        let token = match &endpoint.token {
            None => None,
            Some(token) => {
                let value = MetadataValue::try_from(format!("Bearer {token}"));
                Some(value.map_err(|_| "its token holds what no header may".to_owned())?)
            }
        };
        let metadata = re::RequestMetadata {
            tool_details: Some(re::ToolDetails {
                tool_name: "xsc-compose".to_owned(),
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
            ..re::RequestMetadata::default()
        };
        Ok(Headers {
            token,
            metadata: MetadataValue::from_bytes(&metadata.encode_to_vec()),
        })
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(token) = &self.token {
            metadata.insert("authorization", token.clone());
        }
        metadata.insert_bin(
            "build.bazel.remote.execution.v2.requestmetadata-bin",
            self.metadata.clone(),
        );
        Ok(request)
    }
}
