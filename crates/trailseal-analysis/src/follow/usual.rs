//! What is usual for a key, so that what is not can be shown first.
//!
//! The time from the first event to the last is cut into eight parts. An address or a user agent is *regular* for whoever held
//! a key if it was seen in more than half of them; sessions of a role, and keys of a user, from which the run starts are taken
//! together. Where all of that is less than two hours, nothing is regular.
//!
//! It is *usual* for a key if it is regular for that key, for the one to which this was issued, or for the start above it, and
//! was not asked for by name. A key is usual if the events that issued it, and all that it did, came from usual addresses with
//! usual user agents, where its own regularity does not count, and if the same holds for all keys that were issued to it.
//! It takes no limit that one could tune: who comes once, late, or a few times, is not usual, whatever the number of events.

use std::collections::{HashMap, HashSet};

use trailseal_query::aggregate::Span;

use super::{
    node::{Edge, Node, OTHER},
    origins::{Origins, SLOT},
};

/// Parts of the time for which a key was used.
const PARTS: i64 = 8;
/// Seconds below which nothing is said to be regular.
const MIN_LIFE: i64 = 2 * 3600;

/// Keys above one that are asked what is usual.
const MAX_ABOVE: usize = 8;

/// Says of every address, user agent and key whether it is usual. What the user asks for by name, keys (`named`) and addresses
/// (`is_asked`), is not.
pub(super) fn judge(
    nodes: &mut [Node],
    edges: &[Edge],
    named: &HashSet<&str>,
    is_asked: &dyn Fn(&str) -> bool,
) {
    let places: HashMap<&str, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.key.as_str(), at)).collect();
    let links: Vec<Link<'_>> = edges
        .iter()
        .filter_map(|edge| {
            let (from, to) = (*places.get(edge.from.as_deref()?)?, *places.get(edge.to.as_str())?);
            Some(Link { from, to, edge })
        })
        .collect();
    let (holders, habits) = habits(nodes);
    let above = above(nodes, &links, &holders);
    let mut is_usual = Vec::new();
    for (at, node) in nodes.iter_mut().enumerate() {
        let own = &habits[holders[at]];
        let counts_itself = node.depth == 0;
        let mut all_usual = !named.contains(node.key.as_str()) && (node.events > 0 || node.depth > 0);
        let Node { source_ips, user_agents, .. } = node;
        for (origins, kind) in [(source_ips, Habits::ADDRESSES), (user_agents, Habits::AGENTS)] {
            for origin in &mut origins.values {
                let has = |habits: &Habits| habits.0[kind].contains(&origin.value);
                let may_be = kind != Habits::ADDRESSES || !is_asked(&origin.value);
                let is_known =
                    above[at].iter().any(|holder| has(&habits[*holder])) || counts_itself && has(own);
                all_usual &= may_be && is_known;
                origin.usual = may_be && (is_known || has(own));
            }
        }
        is_usual.push(all_usual);
    }
    let usual_of: Vec<[HashSet<&str>; 2]> =
        nodes.iter().map(|node| [&node.source_ips, &node.user_agents].map(usual_values)).collect();
    for Link { from, to, edge } in &links {
        let [addresses, agents] = &usual_of[*from];
        let is_in = |values: &HashSet<&str>, value: &Option<String>| {
            value.as_deref().is_none_or(|value| values.contains(value))
        };
        is_usual[*to] &= is_in(addresses, &edge.source_ip) && is_in(agents, &edge.user_agent);
    }
    // What is not usual makes those above it unusual: from the farthest up.
    let mut order: Vec<&Link<'_>> = links.iter().filter(|link| link.leads_down(nodes)).collect();
    order.sort_by_key(|link| std::cmp::Reverse(nodes[link.to].depth));
    for Link { from, to, .. } in order {
        is_usual[*from] &= is_usual[*to];
    }
    for (node, is_usual) in nodes.iter_mut().zip(is_usual) {
        node.usual = is_usual;
    }
}

/// An event that issued one of the keys to another.
struct Link<'a> {
    from: usize,
    to: usize,
    edge: &'a Edge,
}

impl Link<'_> {
    /// Whether it is a part of the tree, and no way back to what stands above.
    fn leads_down(&self, nodes: &[Node]) -> bool {
        nodes[self.from].depth < nodes[self.to].depth
    }
}

/// The addresses and the user agents that are regular for a holder.
#[derive(Debug, Default)]
struct Habits([HashSet<String>; 2]);

impl Habits {
    const ADDRESSES: usize = 0;
    const AGENTS: usize = 1;

    /// Of keys that are one holder's.
    fn of(nodes: &[&Node]) -> Self {
        let mut life = Span::default();
        for node in nodes {
            life.add(node.first);
            life.add(node.last);
        }
        let Some((first, last)) = life.first.zip(life.last) else { return Self::default() };
        let seconds = last.since(first);
        if seconds < MIN_LIFE {
            return Self::default();
        }
        let part = |slot: i64| {
            let second = (slot * SLOT + SLOT / 2 - first.epoch()).clamp(0, seconds);
            second * PARTS / (seconds + 1)
        };
        let regular = |of: fn(&Node) -> &Origins| {
            let mut seen: HashMap<&str, u64> = HashMap::new();
            for origin in nodes.iter().flat_map(|node| &of(node).values) {
                let parts = origin.slots.iter().fold(0, |parts, slot| parts | 1 << part(*slot));
                *seen.entry(&origin.value).or_default() |= parts;
            }
            let is_regular = |parts: u64| i64::from(parts.count_ones()) > PARTS / 2;
            let regular = seen.into_iter().filter(|(value, parts)| *value != OTHER && is_regular(*parts));
            regular.map(|(value, _)| value.to_owned()).collect()
        };
        Self([regular(|node| &node.source_ips), regular(|node| &node.user_agents)])
    }
}

/// The holder of every key, and the habits of the holders: keys from which it starts are taken together where somebody holds
/// several.
fn habits(nodes: &[Node]) -> (Vec<usize>, Vec<Habits>) {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut held: Vec<Vec<&Node>> = Vec::new();
    let mut holders = Vec::new();
    for node in nodes {
        let name = holder(node).filter(|_| node.depth == 0);
        let at = name.as_ref().and_then(|name| known.get(name).copied()).unwrap_or_else(|| {
            held.push(Vec::new());
            held.len() - 1
        });
        if let Some(name) = name {
            known.insert(name, at);
        }
        held[at].push(node);
        holders.push(at);
    }
    (holders, held.iter().map(|nodes| Habits::of(nodes)).collect())
}

/// Who mostly held a key: all sessions of a role are that role.
fn holder(node: &Node) -> Option<String> {
    let arn = node.identities.first()?.arn.as_deref()?;
    let role_end = arn.contains(":assumed-role/").then(|| arn.rfind('/')).flatten();
    Some(arn[..role_end.unwrap_or(arn.len())].to_owned())
}

/// The holders that stand above every key: those of the keys to which it was issued, and that of the start.
fn above(nodes: &[Node], links: &[Link<'_>], holders: &[usize]) -> Vec<Vec<usize>> {
    let mut givers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for link in links.iter().filter(|link| link.leads_down(nodes)) {
        let givers = &mut givers[link.to];
        if givers.len() < MAX_ABOVE && !givers.contains(&link.from) {
            givers.push(link.from);
        }
    }
    // Those that issued a key stand before it.
    let mut starts: Vec<usize> = (0..nodes.len()).collect();
    for at in 0..nodes.len() {
        if let Some(giver) = givers[at].first() {
            starts[at] = starts[*giver];
        }
    }
    let with_start = |(givers, start): (&Vec<usize>, &usize)| {
        givers.iter().chain([start]).map(|at| holders[*at]).collect::<Vec<_>>()
    };
    let mut above: Vec<Vec<usize>> = givers.iter().zip(&starts).map(with_start).collect();
    for (at, holders) in above.iter_mut().enumerate() {
        if nodes[at].depth > 0 && starts[at] == at {
            holders.clear();
        }
    }
    above
}

fn usual_values(origins: &Origins) -> HashSet<&str> {
    origins.values.iter().filter(|origin| origin.usual).map(|origin| origin.value.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;

    use super::*;
    use crate::follow::{activity::Facts, origins::Room};

    const HOUR: i64 = 3600;

    /// What keys do in a test: key, hour, address, user agent, and the key that comes back.
    struct Case {
        nodes: Vec<Node>,
        edges: Vec<Edge>,
    }

    impl Case {
        fn new(keys: &[(&str, u32)]) -> Self {
            Self {
                nodes: keys.iter().map(|(key, depth)| Node::new(key, *depth)).collect(),
                edges: Vec::new(),
            }
        }

        fn event(mut self, key: &str, hour: i64, address: &str, agent: &str, issued: &str) -> Self {
            let facts = Facts {
                access_key: Some(key.to_owned()),
                arn: Some("arn:aws:sts::1:assumed-role/Ops/".to_owned() + key),
                source_ip: Some(address.to_owned()),
                user_agent: Some(agent.to_owned()),
                time: Timestamp::from_epoch(hour * HOUR),
                issued: (!issued.is_empty()).then(|| issued.to_owned()).into_iter().collect(),
                ..Facts::default()
            };
            let node = self.nodes.iter_mut().find(|node| node.key == key).unwrap();
            node.add(&facts, &mut Room::of(1 << 20));
            self.edges.extend(facts.issued.iter().map(|to| facts.edge(to)));
            self
        }

        /// From an address all day long.
        fn all_day(self, key: &str, address: &str) -> Self {
            (0..24).fold(self, |case, hour| case.event(key, hour, address, "cli", ""))
        }

        fn judged(mut self, asked: &str) -> String {
            self.nodes.iter_mut().for_each(Node::finish);
            judge(&mut self.nodes, &self.edges, &HashSet::from(["H"]), &|address| address == asked);
            let word = |is_usual| if is_usual { "usual" } else { "new" };
            let node = |node: &Node| {
                let origins = node.source_ips.values.iter().chain(&node.user_agents.values);
                let origins = origins.map(|origin| format!(" {}={}", origin.value, word(origin.usual)));
                format!("{} {}:{}", node.key, word(node.usual), origins.collect::<String>())
            };
            self.nodes.iter().map(node).collect::<Vec<_>>().join("; ")
        }
    }

    #[test]
    fn who_comes_once_late_or_a_few_times_is_not_usual() {
        let mut case = Case::new(&[("A", 0)]).all_day("A", "home");
        for hour in [3, 20] {
            case = case.event("A", hour, "twice", "cli", "");
        }
        for hour in 13..24 {
            case = case.event("A", hour, "late", "cli", "");
        }
        for hour in [1, 4, 7, 10, 13, 16, 19, 22] {
            case = case.event("A", hour, "rare", "cli", "");
        }
        case = case.event("A", 5, "home", "kali", "");
        assert_eq!(case.judged(""), "A new: home=usual late=new rare=usual twice=new cli=usual kali=new");
    }

    #[test]
    fn keys_of_usual_origins_are_usual_and_what_leads_to_others_is_not() {
        let keys = [("A", 0), ("B", 1), ("C", 1), ("D", 1), ("E", 2), ("F", 2)];
        let case = Case::new(&keys)
            .all_day("A", "home")
            .event("A", 4, "home", "cli", "B")
            .event("A", 4, "home", "cli", "C")
            .event("A", 5, "away", "cli", "D")
            .event("B", 4, "home", "cli", "E")
            .event("C", 4, "home", "cli", "F")
            .event("E", 4, "home", "cli", "")
            .event("F", 4, "away", "cli", "");
        assert_eq!(
            case.judged(""),
            "A new: home=usual away=new cli=usual; B usual: home=usual cli=usual; C new: home=usual cli=usual; D new:; \
             E usual: home=usual cli=usual; F new: away=new cli=usual"
        );
    }

    #[test]
    fn a_key_is_not_usual_by_its_own_habits() {
        let case = Case::new(&[("A", 0), ("B", 1), ("C", 2)])
            .all_day("A", "home")
            .event("A", 1, "away", "cli", "B")
            .all_day("B", "away")
            .event("B", 3, "away", "cli", "C");
        assert_eq!(
            case.judged(""),
            "A new: home=usual away=new cli=usual; B new: away=usual cli=usual; C usual:"
        );
    }

    #[test]
    fn sessions_of_one_role_are_taken_together_and_an_address_that_is_asked_for_is_never_usual() {
        let keys = ["A", "B", "C", "D", "E", "F", "G", "H"];
        let case = || {
            let case = Case::new(&keys.map(|key| (key, 0)));
            let case = keys
                .iter()
                .zip(0..)
                .fold(case, |case, (key, hour)| case.event(key, 3 * hour, "home", "cli", ""));
            case.event("C", 7, "away", "cli", "")
        };
        let judged = case().judged("");
        assert!(
            judged.starts_with("A usual: home=usual cli=usual; B usual: ") && judged.contains("C new: "),
            "{judged}"
        );
        assert!(!case().judged("home").contains(" usual:"), "{judged}");
    }

    #[test]
    fn in_less_than_two_hours_nothing_is_usual() {
        let case = Case::new(&[("A", 0), ("B", 1)])
            .event("A", 1, "home", "cli", "B")
            .event("A", 2, "home", "cli", "");
        assert_eq!(case.judged(""), "A new: home=new cli=new; B new:");
    }
}
