//! Blobs to and from an engine: small ones in batches, large ones as streams, several at once.
//!
//! `cache` and `execute` call it. Invariant: a blob that is handed out has the digest that was
//! asked for; anything else is an error that names it.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use bazel_remote_apis::google::bytestream::{ReadRequest, WriteRequest};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::client::{Client, words};
use super::digest::WireDigest;
use crate::CacheError;
use crate::parallel::parallel;

/// Digests in one question for what is missing: about 600 KB.
const QUESTION: usize = 8192;

/// Blobs in one batch, however small: each has its own answer.
const BATCH_COUNT: usize = 4000;

/// What a blob's name and framing take beside its bytes in a batch.
const OVERHEAD: u64 = 160;

/// One message of a stream; engines take up to 4 MiB, most send 64 KiB or 1 MiB themselves.
const CHUNK: usize = 512 * 1024;

/// Transfers at once.
pub(crate) const PARALLEL: usize = 8;

/// Where the bytes of an upload come from.
pub(crate) enum Source<'a> {
    Bytes(Vec<u8>),
    Open(Box<dyn Fn() -> std::io::Result<File> + Send + Sync + 'a>),
}

/// What became of several downloads.
type Downloads = HashMap<WireDigest, Result<Vec<u8>, CacheError>>;

/// Who gets the bytes of a download; an error of its own ends the whole request.
pub(crate) type Each<'a> =
    dyn FnMut(&WireDigest, Result<Vec<u8>, CacheError>) -> Result<(), CacheError> + 'a;

impl Client {
    /// Which of the blobs the engine does not have.
    pub(crate) fn find_missing(
        &self,
        digests: &[WireDigest],
    ) -> Result<BTreeSet<WireDigest>, CacheError> {
        let mut missing = BTreeSet::new();
        let function = self.connection()?.abilities.function;
        for part in digests.chunks(QUESTION) {
            let request = re::FindMissingBlobsRequest {
                instance_name: self.endpoint.instance.clone(),
                blob_digests: part.iter().map(|digest| digest.to_wire()).collect(),
                digest_function: function.wire(),
            };
            let answer = self.call("FindMissingBlobs", |connection| {
                let request = request.clone();
                async move { connection.cas().find_missing_blobs(request).await }
            })?;
            let asked: BTreeSet<&WireDigest> = part.iter().collect();
            missing.extend(
                answer
                    .missing_blob_digests
                    .iter()
                    .filter_map(|digest| WireDigest::from_wire(Some(digest)))
                    .filter(|digest| asked.contains(digest)),
            );
        }
        Ok(missing)
    }

    /// Uploads blobs, whether the engine has them or not.
    pub(crate) fn upload(&self, blobs: &[(WireDigest, Source<'_>)]) -> Result<(), CacheError> {
        let limit = self.connection()?.abilities.batch;
        let sizes = blobs.iter().map(|(digest, _)| digest.size);
        let groups = pack(sizes, limit);
        parallel(PARALLEL, &groups, |group| {
            if let [one] = group.as_slice()
                && blobs[*one].0.size + OVERHEAD > limit
            {
                let (digest, source) = &blobs[*one];
                return self.upload_source(*digest, source);
            }
            self.upload_batch(group.iter().map(|index| &blobs[*index]))
        })
        .map(drop)
    }

    fn upload_batch<'b, 'a: 'b>(
        &self,
        blobs: impl Iterator<Item = &'b (WireDigest, Source<'a>)>,
    ) -> Result<(), CacheError> {
        let mut requests = Vec::new();
        for (digest, source) in blobs {
            let data = match source {
                Source::Bytes(bytes) => bytes.clone(),
                Source::Open(open) => {
                    let mut bytes = Vec::with_capacity(digest.size as usize);
                    open()
                        .and_then(|mut file| file.read_to_end(&mut bytes))
                        .map_err(|source| local(digest, source))?;
                    bytes
                }
            };
            requests.push(re::batch_update_blobs_request::Request {
                digest: Some(digest.to_wire()),
                data,
                compressor: 0,
            });
        }
        let function = self.connection()?.abilities.function;
        let request = re::BatchUpdateBlobsRequest {
            instance_name: self.endpoint.instance.clone(),
            requests,
            digest_function: function.wire(),
        };
        let answer = self.call("BatchUpdateBlobs", |connection| {
            let request = request.clone();
            async move { connection.cas().batch_update_blobs(request).await }
        })?;
        let mut kept: BTreeSet<WireDigest> = BTreeSet::new();
        for response in &answer.responses {
            let status = response.status.clone().unwrap_or_default();
            let digest = WireDigest::from_wire(response.digest.as_ref());
            match (status.code, digest) {
                (0, Some(digest)) => {
                    kept.insert(digest);
                }
                (code, digest) => {
                    let what = digest.map_or("a blob".to_owned(), |digest| describe(&digest));
                    let status = Status::new(Code::from(code), status.message);
                    return Err(self.failed(&what, &status));
                }
            }
        }
        for asked in &request.requests {
            let digest = WireDigest::from_wire(asked.digest.as_ref());
            if let Some(digest) = digest.filter(|digest| !kept.contains(digest)) {
                return Err(self.refused(&describe(&digest), "it did not say that it keeps it"));
            }
        }
        Ok(())
    }

    fn upload_source(&self, digest: WireDigest, source: &Source<'_>) -> Result<(), CacheError> {
        match source {
            Source::Bytes(bytes) => self.upload_stream(digest, &mut bytes.as_slice()),
            Source::Open(open) => {
                let mut file = open().map_err(|source| local(&digest, source))?;
                self.upload_stream(digest, &mut file)
            }
        }
    }

    /// Uploads one blob as a stream of messages.
    pub(crate) fn upload_stream(
        &self,
        digest: WireDigest,
        from: &mut dyn Read,
    ) -> Result<(), CacheError> {
        let connection = self.connection()?;
        let what = describe(&digest);
        let mut resource = format!(
            "uploads/{}/{}",
            uuid::Uuid::new_v4(),
            connection.abilities.function.resource(&digest)
        );
        if !self.endpoint.instance.is_empty() {
            resource = format!("{}/{resource}", self.endpoint.instance);
        }
        let (send, receive) = tokio::sync::mpsc::channel(4);
        let mut client = connection.streams();
        let answer = self
            .runtime()
            .spawn(async move { client.write(ReceiverStream::new(receive)).await });
        let patience = self.endpoint.patience.request;
        let mut offset: u64 = 0;
        let mut fault = None;
        loop {
            let mut data = vec![0; CHUNK];
            let count = match fill(from, &mut data) {
                Ok(count) => count,
                Err(source) => {
                    fault = Some(local(&digest, source));
                    break;
                }
            };
            data.truncate(count);
            let last = count < CHUNK;
            let message = WriteRequest {
                resource_name: resource.clone(),
                write_offset: offset as i64,
                finish_write: last,
                data,
            };
            offset += count as u64;
            let sending = async { tokio::time::timeout(patience, send.send(message)).await };
            match self.runtime().block_on(sending) {
                Ok(Ok(())) if last => break,
                Ok(Ok(())) => {}
                // The engine answered already: it has the blob, or wants none of it.
                Ok(Err(_)) => break,
                Err(_) => {
                    fault = Some(self.trip(format!("it takes no more of {what}")));
                    break;
                }
            }
        }
        drop(send);
        if let Some(fault) = fault {
            answer.abort();
            return Err(fault);
        }
        let answered = self.wait(async {
            answer
                .await
                .unwrap_or_else(|_| Err(Status::unknown("the upload was cut off")))
        });
        match answered {
            Ok(answer) => {
                let committed = answer.into_inner().committed_size;
                if committed == digest.size as i64 || committed == -1 {
                    return Ok(());
                }
                let problem = format!("it kept {committed} of {} bytes", digest.size);
                Err(self.refused(&what, problem))
            }
            Err(status) if status.code() == Code::AlreadyExists => Ok(()),
            Err(status) => Err(self.failed(&what, &status)),
        }
    }

    /// Downloads blobs in batches; `each` gets the bytes of every one, verified, in this thread.
    pub(crate) fn download_batch(
        &self,
        digests: &[WireDigest],
        each: &mut Each<'_>,
    ) -> Result<(), CacheError> {
        let limit = self.connection()?.abilities.batch;
        let groups = pack(digests.iter().map(|digest| digest.size), limit);
        let stop = AtomicBool::new(false);
        let (send, receive) = std::sync::mpsc::sync_channel(PARALLEL);
        std::thread::scope(|scope| {
            let (groups, stop) = (&groups, &stop);
            let worker = scope.spawn(move || {
                parallel(PARALLEL, groups, |group| {
                    if stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    for (digest, result) in self.download_packed(digests, group, limit)? {
                        if let Err(error @ CacheError::Unavailable { .. }) = result {
                            return Err(error);
                        }
                        // It fails only when the receiver gave up, and then nobody asks.
                        let _ = send.send((digest, result));
                    }
                    Ok(())
                })
                .map(drop)
            });
            let mut verdict = Ok(());
            for (digest, result) in &receive {
                if let Err(error) = each(&digest, result) {
                    verdict = Err(error);
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            drop(receive);
            let worked = worker.join().expect("a download does not panic");
            verdict.and(worked)
        })
    }

    fn download_packed(
        &self,
        digests: &[WireDigest],
        group: &[usize],
        limit: u64,
    ) -> Result<Downloads, CacheError> {
        let group: Vec<WireDigest> = group.iter().map(|index| digests[*index]).collect();
        match group.as_slice() {
            [one] if one.size + OVERHEAD > limit => {
                let mut bytes = Vec::new();
                let result = self.download_stream(*one, &mut bytes);
                Ok(HashMap::from([(*one, result.map(|()| bytes))]))
            }
            group => self.download_group(group),
        }
    }

    fn download_group(&self, group: &[WireDigest]) -> Result<Downloads, CacheError> {
        let function = self.connection()?.abilities.function;
        let request = re::BatchReadBlobsRequest {
            instance_name: self.endpoint.instance.clone(),
            digests: group.iter().map(|digest| digest.to_wire()).collect(),
            acceptable_compressors: Vec::new(),
            digest_function: function.wire(),
        };
        let answer = self.call("BatchReadBlobs", |connection| {
            let request = request.clone();
            async move { connection.cas().batch_read_blobs(request).await }
        })?;
        let mut got: Downloads = group
            .iter()
            .map(|digest| (*digest, Err(self.absent(&describe(digest)))))
            .collect();
        for response in answer.responses {
            let Some(digest) = WireDigest::from_wire(response.digest.as_ref()) else {
                continue;
            };
            let Some(place) = got.get_mut(&digest) else {
                continue;
            };
            let status = response.status.unwrap_or_default();
            *place = match status.code {
                0 if response.compressor != 0 => Err(self.damaged(
                    &describe(&digest),
                    "it is compressed, which nobody asked for",
                )),
                0 if function.of(&response.data) == digest => Ok(response.data),
                0 => Err(self.damaged(&describe(&digest), "its content has another digest")),
                code => {
                    let status = Status::new(Code::from(code), status.message);
                    Err(self.failed(&describe(&digest), &status))
                }
            };
        }
        Ok(got)
    }

    /// Downloads one blob as a stream into `into`, which has unverified bytes until this returns.
    pub(crate) fn download_stream(
        &self,
        digest: WireDigest,
        into: &mut dyn Write,
    ) -> Result<(), CacheError> {
        let connection = self.connection()?;
        let what = describe(&digest);
        let function = connection.abilities.function;
        let mut hasher = function.hasher();
        if digest.size > 0 {
            let mut resource = function.resource(&digest);
            if !self.endpoint.instance.is_empty() {
                resource = format!("{}/{resource}", self.endpoint.instance);
            }
            let request = ReadRequest {
                resource_name: resource,
                read_offset: 0,
                read_limit: 0,
            };
            let mut stream = self.call(&what, |connection| {
                let request = request.clone();
                async move { connection.streams().read(request).await }
            })?;
            let mut size: u64 = 0;
            loop {
                let message = match self.wait(stream.message()) {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(status) => return Err(self.failed(&what, &status)),
                };
                size += message.data.len() as u64;
                if size > digest.size {
                    return Err(self.damaged(&what, "it is longer than its digest says"));
                }
                hasher.update(&message.data);
                into.write_all(&message.data)
                    .map_err(|source| local(&digest, source))?;
            }
        }
        match hasher.finish() {
            found if found == digest => Ok(()),
            _ => Err(self.damaged(&what, "its content has another digest")),
        }
    }

    /// Downloads one blob whole; for what is small by nature.
    pub(crate) fn download(&self, digest: WireDigest, most: u64) -> Result<Vec<u8>, CacheError> {
        if digest.size > most {
            let problem = format!("{} bytes are more than such a thing has", digest.size);
            return Err(self.damaged(&describe(&digest), problem));
        }
        let mut bytes = Vec::with_capacity(digest.size as usize);
        self.download_stream(digest, &mut bytes)?;
        Ok(bytes)
    }
}

/// What messages call a blob.
pub(crate) fn describe(digest: &WireDigest) -> String {
    format!("blob {} of {} bytes", digest.hash.short(), digest.size)
}

fn local(digest: &WireDigest, source: std::io::Error) -> CacheError {
    CacheError::Local {
        action: format!("read or write {}", describe(digest)),
        source,
    }
}

/// Reads until the buffer is full or nothing is left.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match from.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Groups of blobs by index, each no larger than a batch may be; one that is larger stands alone.
fn pack(sizes: impl Iterator<Item = u64>, limit: u64) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut used = 0;
    for (index, size) in sizes.enumerate() {
        let size = size + OVERHEAD;
        if size > limit {
            groups.push(vec![index]);
            continue;
        }
        if used + size > limit || group.len() == BATCH_COUNT {
            groups.push(std::mem::take(&mut group));
            used = 0;
        }
        group.push(index);
        used += size;
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

/// A status as the protocol nests it, in one line.
pub(crate) fn nested(code: i32, message: &str) -> String {
    words(&Status::new(Code::from(code), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_below_the_limit_and_large_blobs_stand_alone() {
        let sizes = [100, 5000, 100, 840, 10, 0];
        let groups = pack(sizes.into_iter(), 1000);
        assert_eq!(groups, [vec![1], vec![0, 2], vec![3], vec![4, 5]]);
        assert_eq!(pack(std::iter::empty(), 10).len(), 0);
        let many = pack(std::iter::repeat_n(0, BATCH_COUNT + 1), u64::MAX / 2);
        assert_eq!(
            many.iter().map(Vec::len).collect::<Vec<_>>(),
            [BATCH_COUNT, 1]
        );
    }
}
