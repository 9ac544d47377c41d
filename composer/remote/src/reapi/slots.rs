//! Slots: places in an engine's action cache where we keep what is no action's result.
//!
//! `caching` keeps statements and the names of a tree's files in them. A slot is addressed by the
//! digest of a text that opens with its own version string; no Action with that digest exists.
//! Invariant: what a slot holds is a hint. Who writes to it can deny, and cannot make us believe.

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use xsc_model::{ActionId, Digest, TreeId};

use super::client::Client;
use super::digest::{DigestFunction, WireDigest};
use crate::{CacheError, PublicKey};

/// The slot for what one key says of an action.
pub(crate) fn statement(
    function: DigestFunction,
    action: &ActionId,
    key: &PublicKey,
) -> WireDigest {
    function.of(format!("xsc-attest/v1\0{action}\0{key}").as_bytes())
}

/// The slot for part `part` of what a tree consists of.
pub(crate) fn tree(function: DigestFunction, tree: &TreeId, part: usize) -> WireDigest {
    function.of(format!("xsc-tree/v1\0{tree}\0{part}").as_bytes())
}

/// The slot for a blob of no tree.
pub(crate) fn blob(function: DigestFunction, blake3: &Digest) -> WireDigest {
    function.of(format!("xsc-blob/v1\0{blake3}").as_bytes())
}

impl Client {
    /// What a slot or an action's entry holds; `None` where it is empty.
    pub(crate) fn action_result(
        &self,
        what: &str,
        slot: WireDigest,
    ) -> Result<Option<re::ActionResult>, CacheError> {
        let function = self.connection()?.abilities.function;
        let request = re::GetActionResultRequest {
            instance_name: self.endpoint.instance.clone(),
            action_digest: Some(slot.to_wire()),
            inline_stdout: true,
            inline_stderr: true,
            inline_output_files: Vec::new(),
            digest_function: function.wire(),
        };
        let answer = self.call(what, |connection| {
            let request = request.clone();
            async move { connection.actions().get_action_result(request).await }
        });
        match answer {
            Ok(result) => Ok(Some(result)),
            Err(CacheError::Absent { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn update_action_result(
        &self,
        what: &str,
        slot: WireDigest,
        result: re::ActionResult,
    ) -> Result<(), CacheError> {
        let connection = self.connection()?;
        if !connection.abilities.updates_actions {
            return Err(self.refused(what, "its action cache is not for clients to write"));
        }
        let request = re::UpdateActionResultRequest {
            instance_name: self.endpoint.instance.clone(),
            action_digest: Some(slot.to_wire()),
            action_result: Some(result),
            results_cache_policy: None,
            digest_function: connection.abilities.function.wire(),
        };
        self.call(what, |connection| {
            let request = request.clone();
            async move { connection.actions().update_action_result(request).await }
        })
        .map(|_| ())
    }
}
