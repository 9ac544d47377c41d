//! The private folder of a run and the sockets over which its guest talks.
//!
//! Used by `runner` and `interactive`. We listen first and QEMU connects while it reads its command line, so no
//! channel can be missed. Invariant: the folder is readable by its owner only and vanishes with the run.

use std::fs;
use std::io::{self, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tempfile::TempDir;

use crate::command::{CONSOLE_SOCKET, MONITOR_SOCKET, VERDICT_SOCKET};
use crate::error::VmError;
use crate::machine::{Firmware, Machine};

/// The longest path a socket may have, without the final zero.
const SOCKET_PATH_MAX: usize = 107;

/// The private folder of a run.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Checks that the machine's files can be read, makes the folder and copies the variable store into it.
    pub(crate) fn new(machine: &Machine) -> Result<Scratch, VmError> {
        for path in machine.inputs() {
            fs::File::open(path).map_err(|source| VmError::Input {
                path: path.to_owned(),
                source,
            })?;
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix("xsc-vm-");
        let made = builder.tempdir().and_then(|folder| {
            let longest = folder.path().join(MONITOR_SOCKET).as_os_str().len();
            if longest <= SOCKET_PATH_MAX {
                return Ok(folder);
            }
            // A socket's path is short by nature; /tmp serves where the usual folder lies too deep.
            builder.tempdir_in("/tmp")
        });
        let folder = made.map_err(|source| VmError::Scratch {
            path: std::env::temp_dir(),
            source,
        })?;
        let scratch = Scratch { folder };
        if let Firmware::Uefi { vars_template, .. } = &machine.firmware {
            copy_writable(vars_template, &scratch.vars()).map_err(|source| VmError::Scratch {
                path: scratch.vars(),
                source,
            })?;
        }
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The copy of the UEFI variable store; absent under `Firmware::Bios`.
    pub(crate) fn vars(&self) -> PathBuf {
        self.path().join("vars.fd")
    }
}

/// Copies the bytes and not the mode: a template in the store is read-only.
pub(crate) fn copy_writable(from: &Path, to: &Path) -> io::Result<()> {
    fs::write(to, fs::read(from)?)
}

/// One of the guest's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Console,
    Verdict,
    Monitor,
}

/// The sockets before QEMU has connected.
pub(crate) struct Listeners {
    waiting: Vec<(Channel, UnixListener)>,
    connected: Vec<(Channel, UnixStream)>,
}

impl Listeners {
    pub(crate) fn open(folder: &Path) -> Result<Listeners, VmError> {
        let mut waiting = Vec::new();
        for (channel, name) in [
            (Channel::Console, CONSOLE_SOCKET),
            (Channel::Verdict, VERDICT_SOCKET),
            (Channel::Monitor, MONITOR_SOCKET),
        ] {
            let path = folder.join(name);
            let listener = UnixListener::bind(&path)
                .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                .map_err(|source| VmError::Scratch { path, source })?;
            waiting.push((channel, listener));
        }
        Ok(Listeners {
            waiting,
            connected: Vec::new(),
        })
    }

    /// Accepts whoever has connected; true once all channels are open.
    pub(crate) fn poll(&mut self) -> io::Result<bool> {
        let mut waiting = Vec::new();
        for (channel, listener) in self.waiting.drain(..) {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    self.connected.push((channel, stream));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    waiting.push((channel, listener));
                }
                Err(error) => return Err(error),
            }
        }
        self.waiting = waiting;
        Ok(self.waiting.is_empty())
    }

    /// Another end of the console, to type on.
    pub(crate) fn keyboard(&self) -> io::Result<UnixStream> {
        let console = self.connected.iter().find(|(c, _)| *c == Channel::Console);
        let (_, stream) = console.ok_or(io::ErrorKind::NotConnected)?;
        stream.try_clone()
    }

    /// Starts a reader for each channel. The receiver ends when QEMU has closed them all.
    pub(crate) fn read(self) -> io::Result<Receiver<(Channel, Vec<u8>)>> {
        // The bound holds QEMU back instead of our memory when the guest talks faster than we listen.
        let (sender, receiver) = sync_channel(64);
        for (channel, stream) in self.connected {
            if channel == Channel::Monitor {
                // Events flow only after this command; its answer is ignored like every answer.
                io::Write::write_all(&mut &stream, b"{\"execute\":\"qmp_capabilities\"}\n")?;
            }
            let sender = sender.clone();
            thread::Builder::new()
                .name(format!("vm-{channel:?}").to_lowercase())
                .spawn(move || pump(stream, channel, &sender))?;
        }
        Ok(receiver)
    }
}

/// Sends what arrives until QEMU closes the socket or nobody listens any more.
fn pump(mut stream: UnixStream, channel: Channel, sender: &SyncSender<(Channel, Vec<u8>)>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => {
                if sender.send((channel, buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
