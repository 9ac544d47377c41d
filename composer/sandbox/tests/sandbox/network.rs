//! Each sandbox has a network of its own, and finds it as a new one, though they are lent from one to the next.

use xsc_sandbox::Sandbox;

use crate::support::{Case, runner, users};

/// Which network it is, then all that can be seen of what happened in it.
const LOOK: &str = "stat -L -c %i /proc/self/ns/net
    cat /proc/net/dev /proc/net/snmp /proc/net/snmp6 /proc/net/netstat /proc/net/unix /proc/net/udp";

#[test]
fn a_network_is_lent_again_only_as_new() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let look = || {
            let seen = Case::new(user, LOOK).output_in(&sandbox);
            let (network, state) = seen.split_once('\n').unwrap();
            (network.to_owned(), state.to_owned())
        };
        let (first, new) = look();
        assert_eq!(look(), (first.clone(), new.clone()), "it is lent again");
        // A socket is enough, though no packet is ever sent.
        let talk = "exec 3<> /dev/udp/127.0.0.1/9; stat -L -c %i /proc/self/ns/net";
        assert_eq!(Case::new(user, talk).output_in(&sandbox).trim(), first);
        let (second, seen) = look();
        assert_ne!(second, first, "it was used");
        assert_eq!(seen, new);
    }
}

#[test]
fn sandboxes_at_the_same_time_have_networks_of_their_own() {
    let user = users()[0];
    let sandbox = Sandbox::new(runner(user));
    let script = "stat -L -c %i /proc/self/ns/net; sleep 1";
    let mut networks: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Case::new(user, script).output_in(&sandbox)))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    networks.sort();
    networks.dedup();
    assert_eq!(networks.len(), 3, "{networks:?}");
}

#[test]
fn no_process_of_a_sandbox_may_change_its_network() {
    for user in users() {
        // Who owns it is told only to those who could have a right to it.
        let owner = Case::new(user, "probe network-owner").output();
        assert_eq!(owner, "not for us to know\n");
        let script = "(echo 1 > /proc/sys/net/ipv4/ip_forward) 2> /dev/null || echo refused";
        assert_eq!(Case::new(user, script).output(), "refused\n");
    }
}
