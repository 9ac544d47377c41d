//! An action: a derivation whose inputs are named by what they contain.
//!
//! The scheduler makes one when the inputs of a derivation are realised, and looks its id up
//! before it runs anything. Invariant: the id covers the command, the environment, the platform
//! and the Merkle root of the inputs, and nothing of how those inputs were made. So an input
//! that was rebuilt to the same content gives the same action, and the rebuild stops there.

use std::collections::{BTreeMap, BTreeSet};

use crate::derivation::{encode_builder, mode_str};
use crate::{
    ActionId, Builder, Digest, Directory, Encoder, EntryName, InputMode, MountPoint, Node,
    OutputName, System, TreeId,
};

/// One input of an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placement {
    /// Where it appears.
    pub at: MountPoint,
    /// Whether the build gets a private copy that it may change.
    pub mode: InputMode,
    /// The content.
    pub tree: TreeId,
}

/// A build step with its inputs resolved to content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The platform that it runs on.
    pub system: System,
    /// What is done.
    pub builder: Builder,
    /// The inputs; sorted by mount point for a command, in recipe order for a builtin.
    pub inputs: Vec<Placement>,
    /// What must exist afterwards.
    pub outputs: BTreeSet<OutputName>,
}

impl Action {
    /// The root of the inputs as one Merkle tree: entry `NNNN` is the `N`th placement's tree.
    pub fn input_root(&self) -> Directory {
        let entries: BTreeMap<EntryName, Node> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(index, placement)| {
                let name = EntryName::new(format!("{index:04}")).expect("four digits are a name");
                (
                    name,
                    Node::Directory {
                        tree: placement.tree,
                    },
                )
            })
            .collect();
        Directory { entries }
    }

    /// The cache key.
    pub fn id(&self) -> ActionId {
        let mut e = Encoder::new("xsc-action-1");
        e.str(self.system.as_str());
        encode_builder(&self.builder, &mut e);
        e.digest(self.input_root().id().digest());
        e.u64(self.inputs.len() as u64);
        for placement in &self.inputs {
            e.str(placement.at.as_str()).str(mode_str(placement.mode));
        }
        e.u64(self.outputs.len() as u64);
        for output in &self.outputs {
            e.str(output.as_str());
        }
        ActionId(Digest::of(&e.finish()))
    }
}
