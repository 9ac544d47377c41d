//! An engine in this process: CAS, ByteStream, ActionCache and Execution on a loopback port, with
//! faults to order. A double, not an engine: it runs actions as plain child processes.

use std::collections::HashMap;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use bazel_remote_apis::google::bytestream as bs;
use bazel_remote_apis::google::longrunning::{Operation, operation};
use bazel_remote_apis::google::protobuf::Any;
use bazel_remote_apis::google::rpc;
use prost::Message;
use re::action_cache_server::{ActionCache, ActionCacheServer};
use re::capabilities_server::{Capabilities, CapabilitiesServer};
use re::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};
use re::execution_server::{Execution, ExecutionServer};
use sha2::Digest as _;
use tokio_stream::Stream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use xsc_remote::reapi::DigestFunction;

type Reply<T> = Result<Response<T>, Status>;
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Every request is answered UNAVAILABLE.
    pub(crate) unavailable: bool,
    /// No request is answered.
    pub(crate) hang: bool,
    /// Actions are taken and never run.
    pub(crate) hang_execution: bool,
    /// Blobs whose content holds this text come back with a bit flipped.
    pub(crate) flip: Option<&'static str>,
    /// Output directories come without `root_directory_digest`.
    pub(crate) only_trees: bool,
    /// Execute finds its inputs gone this many times, and then they are gone.
    pub(crate) lose_inputs: u32,
    /// A finished action's outputs are gone from the CAS.
    pub(crate) lose_outputs: bool,
    /// A failed action is served from the cache.
    pub(crate) remember_failures: bool,
    /// Action cache entries are for the engine alone to write.
    pub(crate) read_only_actions: bool,
    /// Output directories hold an entry that leads out of them.
    pub(crate) climb: bool,
    /// Output can be read while the command runs.
    pub(crate) streams: bool,
    /// What can be read then is something else.
    pub(crate) lying: bool,
}

/// The name of the stream of output.
const STREAM: &str = "logstreams/1";

#[derive(Default)]
pub(crate) struct State {
    pub(crate) blobs: HashMap<String, Vec<u8>>,
    pub(crate) actions: HashMap<String, re::ActionResult>,
    pub(crate) faults: Faults,
    /// How often each request came.
    pub(crate) counts: HashMap<&'static str, usize>,
    /// How many commands were run.
    pub(crate) ran: usize,
    /// What the running command has printed, and whether it has ended.
    log: (Vec<u8>, bool),
}

/// Who may talk to a double.
#[derive(Default)]
pub(crate) struct Guard {
    /// The certificate and its key; without them there is no TLS.
    pub(crate) identity: Option<(String, String)>,
    /// The token that every request has to carry.
    pub(crate) token: Option<&'static str>,
}

/// A running double; it ends with this value.
pub(crate) struct Double {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Clone)]
struct Service {
    function: DigestFunction,
    offers: Vec<i32>,
    batch: i64,
    state: Arc<Mutex<State>>,
}

impl Double {
    pub(crate) fn start(function: DigestFunction) -> Double {
        let value = match function {
            DigestFunction::Blake3 => re::digest_function::Value::Blake3,
            DigestFunction::Sha256 => re::digest_function::Value::Sha256,
        };
        Double::offering(function, vec![value as i32], 64 * 1024)
    }

    pub(crate) fn offering(function: DigestFunction, offers: Vec<i32>, batch: i64) -> Double {
        Double::guarded(function, offers, batch, Guard::default())
    }

    pub(crate) fn guarded(
        function: DigestFunction,
        offers: Vec<i32>,
        batch: i64,
        guard: Guard,
    ) -> Double {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let service = Service {
            function,
            offers,
            batch,
            state: Arc::clone(&state),
        };
        let _guard = runtime.enter();
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let scheme = match guard.identity {
            Some(_) => "grpcs",
            None => "grpc",
        };
        let url = format!("{scheme}://{}", incoming.local_addr().unwrap());
        let mut server = Server::builder();
        if let Some((certificate, key)) = guard.identity {
            let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            server = server.tls_config(tls).unwrap();
        }
        let token = guard.token;
        let check = move |request: Request<()>| {
            let given = request.metadata().get("authorization");
            let wanted = token.map(|token| format!("Bearer {token}"));
            match wanted {
                Some(wanted) if given.is_none_or(|given| given.as_bytes() != wanted.as_bytes()) => {
                    Err(Status::unauthenticated("who are you?"))
                }
                _ => Ok(request),
            }
        };
        let server = server
            .layer(tonic::service::InterceptorLayer::new(check))
            .add_service(CapabilitiesServer::new(service.clone()))
            .add_service(ContentAddressableStorageServer::new(service.clone()))
            .add_service(ActionCacheServer::new(service.clone()))
            .add_service(ExecutionServer::new(service.clone()))
            .add_service(bs::byte_stream_server::ByteStreamServer::new(service))
            .serve_with_incoming(incoming);
        runtime.spawn(server);
        drop(_guard);
        Double {
            url,
            state,
            runtime: Some(runtime),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fault(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.state().counts.get(request).copied().unwrap_or(0)
    }

    /// Ends the engine as a kill would.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_millis(100));
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Service {
    /// Counts a request and lets it fail as ordered.
    async fn enter(&self, request: &'static str) -> Result<(), Status> {
        let faults = {
            let mut state = self.state.lock().unwrap();
            *state.counts.entry(request).or_default() += 1;
            state.faults.clone()
        };
        if faults.hang {
            std::future::pending::<()>().await;
        }
        match faults.unavailable {
            true => Err(Status::unavailable("ordered to be unavailable")),
            false => Ok(()),
        }
    }

    fn digest(&self, bytes: &[u8]) -> re::Digest {
        let hash = match self.function {
            DigestFunction::Blake3 => blake3::hash(bytes).to_hex().to_string(),
            DigestFunction::Sha256 => sha2::Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        };
        re::Digest {
            hash,
            size_bytes: bytes.len() as i64,
        }
    }

    fn put(&self, digest: Option<&re::Digest>, bytes: Vec<u8>) -> Result<(), Status> {
        let own = self.digest(&bytes);
        if digest != Some(&own) {
            return Err(Status::invalid_argument("the digest is another"));
        }
        self.state.lock().unwrap().blobs.insert(own.hash, bytes);
        Ok(())
    }

    fn add(&self, bytes: Vec<u8>) -> re::Digest {
        let digest = self.digest(&bytes);
        let mut state = self.state.lock().unwrap();
        state.blobs.insert(digest.hash.clone(), bytes);
        digest
    }

    fn get(&self, digest: Option<&re::Digest>) -> Result<Vec<u8>, Status> {
        let hash = digest.map(|digest| digest.hash.clone()).unwrap_or_default();
        let state = self.state.lock().unwrap();
        let mut bytes = match state.blobs.get(&hash) {
            Some(bytes) => bytes.clone(),
            None => return Err(Status::not_found(hash)),
        };
        let flipped = state.faults.flip.is_some_and(|text| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        });
        if flipped && let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        Ok(bytes)
    }

    fn check_function(&self, said: i32) -> Result<(), Status> {
        match self.offers.contains(&said) {
            true => Ok(()),
            false => Err(Status::invalid_argument(format!("digest function {said}"))),
        }
    }

    fn lay_out(&self, digest: Option<&re::Digest>, at: &Path) -> Result<(), Status> {
        let directory = self.get(digest).and_then(|bytes| {
            re::Directory::decode(bytes.as_slice()).map_err(|e| Status::internal(e.to_string()))
        })?;
        std::fs::create_dir_all(at)?;
        for file in &directory.files {
            let mode = if file.is_executable { 0o755 } else { 0o644 };
            let path = at.join(&file.name);
            let mut to = std::fs::OpenOptions::new();
            let mut to = to.write(true).create_new(true).mode(mode).open(path)?;
            std::io::Write::write_all(&mut to, &self.get(file.digest.as_ref())?)?;
        }
        for link in &directory.symlinks {
            symlink(&link.target, at.join(&link.name))?;
        }
        for child in &directory.directories {
            self.lay_out(child.digest.as_ref(), &at.join(&child.name))?;
        }
        Ok(())
    }

    fn take_in(&self, at: &Path, all: &mut Vec<re::Directory>) -> Result<re::Directory, Status> {
        let mut directory = re::Directory::default();
        let mut entries: Vec<_> = std::fs::read_dir(at)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let child = self.take_in(&entry.path(), all)?;
                let digest = self.add(child.encode_to_vec());
                all.push(child);
                directory.directories.push(re::DirectoryNode {
                    name,
                    digest: Some(digest),
                });
            } else if kind.is_symlink() {
                let target = std::fs::read_link(entry.path())?;
                directory.symlinks.push(re::SymlinkNode {
                    name,
                    target: target.to_string_lossy().into_owned(),
                    node_properties: None,
                });
            } else {
                use std::os::unix::fs::PermissionsExt;
                let digest = self.add(std::fs::read(entry.path())?);
                directory.files.push(re::FileNode {
                    name,
                    digest: Some(digest),
                    is_executable: entry.metadata()?.permissions().mode() & 0o100 != 0,
                    node_properties: None,
                });
            }
        }
        Ok(directory)
    }

    /// What the running command prints, until it ends.
    fn output_as_it_comes(&self) -> Replies<bs::ReadResponse> {
        let state = Arc::clone(&self.state);
        let (send, receive) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            let mut at = 0;
            loop {
                let (data, ended) = {
                    let state = state.lock().unwrap();
                    let (log, ended) = &state.log;
                    match state.faults.lying {
                        true if at > 0 => (Vec::new(), *ended),
                        true => (b"something else\n".to_vec(), *ended),
                        false => (log[at..].to_vec(), *ended),
                    }
                };
                at += data.len();
                if data.is_empty() && ended {
                    return;
                }
                if !data.is_empty() && send.send(Ok(bs::ReadResponse { data })).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Box::pin(tokio_stream::wrappers::ReceiverStream::new(receive))
    }

    fn perform(&self, request: &re::ExecuteRequest) -> Result<re::ExecuteResponse, Status> {
        let key = request.action_digest.clone().unwrap_or_default().hash;
        let faults = {
            let mut state = self.state.lock().unwrap();
            let found = state.actions.get(&key).cloned();
            if let Some(result) = found.filter(|_| !request.skip_cache_lookup) {
                return Ok(re::ExecuteResponse {
                    result: Some(result),
                    cached_result: true,
                    ..re::ExecuteResponse::default()
                });
            }
            if state.faults.lose_inputs > 0 {
                state.faults.lose_inputs -= 1;
                let keep = key.clone();
                state.blobs.retain(|hash, _| *hash == keep);
            }
            state.faults.clone()
        };
        let lost =
            |status: Status| Status::failed_precondition(format!("missing {}", status.message()));
        let action = self.get(request.action_digest.as_ref()).map_err(lost)?;
        let action = re::Action::decode(action.as_slice()).unwrap();
        let command = self.get(action.command_digest.as_ref()).map_err(lost)?;
        let command = re::Command::decode(command.as_slice()).unwrap();
        let top = tempfile::tempdir()?;
        let root = top.path().join("root");
        self.lay_out(action.input_root_digest.as_ref(), &root)
            .map_err(lost)?;
        self.state.lock().unwrap().ran += 1;
        let mut child = std::process::Command::new(root.join(&command.arguments[0]))
            .args(&command.arguments[1..])
            .current_dir(&root)
            .env_clear()
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        let mut printed = child.stdout.take().unwrap();
        let (mut stdout, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = std::io::Read::read(&mut printed, &mut buffer)?;
            if count == 0 {
                break;
            }
            stdout.extend_from_slice(&buffer[..count]);
            self.state.lock().unwrap().log.0.clone_from(&stdout);
        }
        let output = child.wait_with_output()?;
        let mut result = re::ActionResult {
            exit_code: output.status.code().unwrap_or(255),
            stdout_raw: stdout,
            stderr_raw: output.stderr,
            ..re::ActionResult::default()
        };
        for path in &command.output_paths {
            let at = root.join(path);
            if at.is_dir() {
                let mut children = Vec::new();
                let mut directory = self.take_in(&at, &mut children)?;
                if faults.climb {
                    directory.files.push(re::FileNode {
                        name: "../climbed".to_owned(),
                        digest: Some(self.add(b"out of bounds".to_vec())),
                        ..re::FileNode::default()
                    });
                }
                let tree = re::Tree {
                    root: Some(directory.clone()),
                    children,
                };
                let own = self.add(directory.encode_to_vec());
                result.output_directories.push(re::OutputDirectory {
                    path: path.clone(),
                    tree_digest: Some(self.add(tree.encode_to_vec())),
                    root_directory_digest: (!faults.only_trees).then_some(own),
                    is_topologically_sorted: false,
                });
            } else if at.is_file() {
                result.output_files.push(re::OutputFile {
                    path: path.clone(),
                    digest: Some(self.add(std::fs::read(&at)?)),
                    ..re::OutputFile::default()
                });
            }
        }
        let mut state = self.state.lock().unwrap();
        if result.exit_code == 0 || faults.remember_failures {
            state.actions.insert(key, result.clone());
        }
        if faults.lose_outputs {
            for file in &result.output_files {
                state
                    .blobs
                    .remove(&file.digest.clone().unwrap_or_default().hash);
            }
        }
        Ok(re::ExecuteResponse {
            result: Some(result),
            ..re::ExecuteResponse::default()
        })
    }
}

#[tonic::async_trait]
impl Capabilities for Service {
    async fn get_capabilities(
        &self,
        _: Request<re::GetCapabilitiesRequest>,
    ) -> Reply<re::ServerCapabilities> {
        self.enter("GetCapabilities").await?;
        let read_only = self.state.lock().unwrap().faults.read_only_actions;
        Ok(Response::new(re::ServerCapabilities {
            cache_capabilities: Some(re::CacheCapabilities {
                digest_functions: self.offers.clone(),
                action_cache_update_capabilities: Some(re::ActionCacheUpdateCapabilities {
                    update_enabled: !read_only,
                }),
                max_batch_total_size_bytes: self.batch,
                ..re::CacheCapabilities::default()
            }),
            execution_capabilities: Some(re::ExecutionCapabilities {
                digest_functions: self.offers.clone(),
                exec_enabled: true,
                ..re::ExecutionCapabilities::default()
            }),
            ..re::ServerCapabilities::default()
        }))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Service {
    async fn find_missing_blobs(
        &self,
        request: Request<re::FindMissingBlobsRequest>,
    ) -> Reply<re::FindMissingBlobsResponse> {
        self.enter("FindMissingBlobs").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let state = self.state.lock().unwrap();
        let missing = request.blob_digests.into_iter();
        Ok(Response::new(re::FindMissingBlobsResponse {
            missing_blob_digests: missing
                .filter(|digest| !state.blobs.contains_key(&digest.hash))
                .collect(),
        }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<re::BatchUpdateBlobsRequest>,
    ) -> Reply<re::BatchUpdateBlobsResponse> {
        self.enter("BatchUpdateBlobs").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let total: usize = request.requests.iter().map(|blob| blob.data.len()).sum();
        if total as i64 > self.batch {
            return Err(Status::invalid_argument("the batch is too large"));
        }
        let responses = request.requests.into_iter().map(|blob| {
            let kept = self.put(blob.digest.as_ref(), blob.data);
            let status = kept.err().map(|status| rpc::Status {
                code: status.code() as i32,
                message: status.message().to_owned(),
                details: Vec::new(),
            });
            re::batch_update_blobs_response::Response {
                digest: blob.digest,
                status: Some(status.unwrap_or_default()),
            }
        });
        Ok(Response::new(re::BatchUpdateBlobsResponse {
            responses: responses.collect(),
        }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<re::BatchReadBlobsRequest>,
    ) -> Reply<re::BatchReadBlobsResponse> {
        self.enter("BatchReadBlobs").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let responses = request.digests.into_iter().map(|digest| {
            let (data, code) = match self.get(Some(&digest)) {
                Ok(data) => (data, 0),
                Err(status) => (Vec::new(), status.code() as i32),
            };
            re::batch_read_blobs_response::Response {
                digest: Some(digest),
                data,
                compressor: 0,
                status: Some(rpc::Status {
                    code,
                    ..rpc::Status::default()
                }),
            }
        });
        Ok(Response::new(re::BatchReadBlobsResponse {
            responses: responses.collect(),
        }))
    }

    type GetTreeStream = Replies<re::GetTreeResponse>;

    async fn get_tree(&self, _: Request<re::GetTreeRequest>) -> Reply<Self::GetTreeStream> {
        Err(Status::unimplemented("GetTree"))
    }

    async fn split_blob(&self, _: Request<re::SplitBlobRequest>) -> Reply<re::SplitBlobResponse> {
        Err(Status::unimplemented("SplitBlob"))
    }

    async fn splice_blob(
        &self,
        _: Request<re::SpliceBlobRequest>,
    ) -> Reply<re::SpliceBlobResponse> {
        Err(Status::unimplemented("SpliceBlob"))
    }

    type GetChunkMappingStream = Replies<re::GetChunkMappingResponse>;

    async fn get_chunk_mapping(
        &self,
        _: Request<re::GetChunkMappingRequest>,
    ) -> Reply<Self::GetChunkMappingStream> {
        Err(Status::unimplemented("GetChunkMapping"))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<re::RegisterChunkMappingRequest>>,
    ) -> Reply<re::RegisterChunkMappingResponse> {
        Err(Status::unimplemented("RegisterChunkMapping"))
    }
}

#[tonic::async_trait]
impl bs::byte_stream_server::ByteStream for Service {
    type ReadStream = Replies<bs::ReadResponse>;

    async fn read(&self, request: Request<bs::ReadRequest>) -> Reply<Self::ReadStream> {
        self.enter("Read").await?;
        let resource = request.into_inner().resource_name;
        if resource == STREAM {
            return Ok(Response::new(self.output_as_it_comes()));
        }
        let hash = resource.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let digest = re::Digest {
            hash,
            size_bytes: 0,
        };
        let bytes = self.get(Some(&digest))?;
        let parts: Vec<_> = bytes
            .chunks(64 * 1024)
            .map(|part| {
                Ok(bs::ReadResponse {
                    data: part.to_vec(),
                })
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }

    async fn write(
        &self,
        request: Request<Streaming<bs::WriteRequest>>,
    ) -> Reply<bs::WriteResponse> {
        self.enter("Write").await?;
        let mut stream = request.into_inner();
        let mut resource = String::new();
        let mut bytes = Vec::new();
        while let Some(part) = stream.message().await? {
            if resource.is_empty() {
                resource = part.resource_name;
            }
            assert_eq!(part.write_offset, bytes.len() as i64);
            bytes.extend_from_slice(&part.data);
            if part.finish_write {
                break;
            }
        }
        let blake3 = resource.contains("/blobs/blake3/");
        if blake3 != (self.function == DigestFunction::Blake3) {
            return Err(Status::invalid_argument(resource));
        }
        let mut words = resource.rsplit('/');
        let size: i64 = words
            .next()
            .and_then(|size| size.parse().ok())
            .unwrap_or(-1);
        let hash = words.next().unwrap_or_default().to_owned();
        let digest = re::Digest {
            hash,
            size_bytes: size,
        };
        self.put(Some(&digest), bytes)?;
        Ok(Response::new(bs::WriteResponse {
            committed_size: size,
        }))
    }

    async fn query_write_status(
        &self,
        _: Request<bs::QueryWriteStatusRequest>,
    ) -> Reply<bs::QueryWriteStatusResponse> {
        Err(Status::unimplemented("QueryWriteStatus"))
    }
}

#[tonic::async_trait]
impl ActionCache for Service {
    async fn get_action_result(
        &self,
        request: Request<re::GetActionResultRequest>,
    ) -> Reply<re::ActionResult> {
        self.enter("GetActionResult").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let state = self.state.lock().unwrap();
        let hash = request.action_digest.unwrap_or_default().hash;
        let found = state.actions.get(&hash).cloned();
        // As real engines do: an entry counts only while its blobs are there.
        let complete = |result: &re::ActionResult| {
            let files = result
                .output_files
                .iter()
                .filter_map(|file| file.digest.as_ref());
            files
                .chain(result.stdout_digest.as_ref())
                .all(|digest| digest.size_bytes == 0 || state.blobs.contains_key(&digest.hash))
        };
        match found.filter(complete) {
            Some(result) => Ok(Response::new(result)),
            None => Err(Status::not_found(hash)),
        }
    }

    async fn update_action_result(
        &self,
        request: Request<re::UpdateActionResultRequest>,
    ) -> Reply<re::ActionResult> {
        self.enter("UpdateActionResult").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let result = request.action_result.unwrap_or_default();
        let hash = request.action_digest.unwrap_or_default().hash;
        let mut state = self.state.lock().unwrap();
        state.actions.insert(hash, result.clone());
        Ok(Response::new(result))
    }
}

#[tonic::async_trait]
impl Execution for Service {
    type ExecuteStream = Replies<Operation>;
    type WaitExecutionStream = Replies<Operation>;

    async fn execute(&self, request: Request<re::ExecuteRequest>) -> Reply<Self::ExecuteStream> {
        self.enter("Execute").await?;
        let request = request.into_inner();
        self.check_function(request.digest_function)?;
        let under_way = |stage: re::execution_stage::Value, stream: &str| {
            let metadata = re::ExecuteOperationMetadata {
                stage: stage as i32,
                stdout_stream_name: stream.to_owned(),
                ..re::ExecuteOperationMetadata::default()
            };
            let kind = "build.bazel.remote.execution.v2.ExecuteOperationMetadata";
            Operation {
                name: "operations/1".to_owned(),
                metadata: Some(Any {
                    type_url: format!("type.googleapis.com/{kind}"),
                    value: metadata.encode_to_vec(),
                }),
                ..Operation::default()
            }
        };
        use re::execution_stage::Value::{Executing, Queued};
        let (send, receive) = tokio::sync::mpsc::channel(3);
        send.send(Ok(under_way(Queued, ""))).await.unwrap();
        let stream = tokio_stream::wrappers::ReceiverStream::new(receive);
        let answer = Ok(Response::new(Box::pin(stream) as Self::ExecuteStream));
        let faults = self.state.lock().unwrap().faults.clone();
        if faults.hang_execution {
            tokio::spawn(async move {
                let _keep_open = send;
                std::future::pending::<()>().await;
            });
            return answer;
        }
        if faults.streams {
            let executing = under_way(Executing, STREAM);
            send.send(Ok(executing)).await.unwrap();
        }
        self.state.lock().unwrap().log = (Vec::new(), false);
        let service = self.clone();
        tokio::spawn(async move {
            let done = service.to_the_end(request).await;
            // A client that has gone wants to hear nothing.
            let _ = send.send(Ok(done)).await;
        });
        answer
    }

    async fn wait_execution(
        &self,
        _: Request<re::WaitExecutionRequest>,
    ) -> Reply<Self::WaitExecutionStream> {
        Err(Status::not_found("it is not kept"))
    }
}

impl Service {
    /// The operation of an action that has ended.
    async fn to_the_end(&self, request: re::ExecuteRequest) -> Operation {
        let service = self.clone();
        let performed = tokio::task::spawn_blocking(move || service.perform(&request));
        let response = performed.await.unwrap();
        self.state.lock().unwrap().log.1 = true;
        let response = response.unwrap_or_else(|status| re::ExecuteResponse {
            status: Some(rpc::Status {
                code: status.code() as i32,
                message: status.message().to_owned(),
                details: Vec::new(),
            }),
            ..re::ExecuteResponse::default()
        });
        Operation {
            name: "operations/1".to_owned(),
            done: true,
            result: Some(operation::Result::Response(Any {
                type_url: "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteResponse"
                    .to_owned(),
                value: response.encode_to_vec(),
            })),
            ..Operation::default()
        }
    }
}
