//! Who and what there is in the accounts of an archive: principals with their keys, addresses and agents,
//! and named resources. They persist, so that the same access key, address or bucket comes up again and
//! again and questions about them have answers.

use crate::random::{Rng, derive_u64, mix};

use super::{
    identity::{Kind, Principal},
    text::uuid_text,
};

/// A kind of resource whose ids are a prefix and 17 hex digits.
pub(super) struct IdKind {
    pub(super) hole: &'static str,
    pub(super) prefix: &'static str,
    /// How many of it an account has in a region.
    pub(super) count: u64,
}

const fn ids(hole: &'static str, prefix: &'static str, count: u64) -> IdKind {
    IdKind { hole, prefix, count }
}

/// All kinds of [`IdKind`].
pub(super) const IDS: &[IdKind] = &[
    ids("instance", "i-0", 60),
    ids("volume", "vol-0", 90),
    ids("snapshot", "snap-0", 120),
    ids("ami", "ami-0", 12),
    ids("vpc", "vpc-0", 4),
    ids("subnet", "subnet-0", 16),
    ids("sg", "sg-0", 30),
    ids("eni", "eni-0", 80),
    ids("rtb", "rtb-0", 10),
    ids("igw", "igw-0", 4),
    ids("eip", "eipalloc-0", 9),
    ids("nat", "nat-0", 5),
    ids("lt", "lt-0", 8),
    ids("acl", "acl-0", 6),
    ids("vpce", "vpce-0", 7),
];

/// A kind of resource that has names.
pub(super) struct NamePool {
    pub(super) hole: &'static str,
    names: &'static [&'static str],
    suffix: Suffix,
}

/// What makes a name the account's own.
#[derive(Clone, Copy)]
enum Suffix {
    None,
    /// `-` and the last six digits of the account.
    Account,
    /// The names are labels of UUIDs.
    Uuid,
}

const fn names(hole: &'static str, suffix: Suffix, names: &'static [&'static str]) -> NamePool {
    NamePool { hole, names, suffix }
}

/// All kinds of [`NamePool`]; common names first, because they come up most.
#[rustfmt::skip]
pub(super) const POOLS: &[NamePool] = &[
    names("bucket", Suffix::Account, &["app-assets", "data-lake-raw", "audit-logs", "data-lake-curated", "terraform-state", "build-artifacts", "access-logs", "backups-nightly", "ml-features", "static-site", "billing-export", "customer-uploads", "config-history", "athena-results", "legal-hold", "public-downloads"]),
    names("key", Suffix::None, &["logs/app/part-00017.parquet", "raw/events/2024/batch-0001.json.gz", "assets/js/main.7f3a.js", "state/network/terraform.tfstate", "exports/daily/orders.csv", "models/churn/v12/model.tar.gz", "uploads/avatars/8841.png", "backup/db-full.dump", "donn\u{e9}es/rapport-\u{e9}t\u{e9}.csv", "\u{5199}\u{771f}/IMG_0042.jpg", "invoices/2024/03/inv-20391.pdf", "\u{43e}\u{442}\u{447}\u{451}\u{442}\u{44b}/q1.xlsx", "keys/README.txt", "tmp/a b+c%20d.txt", "index.html", "payroll/2024-03.xlsx", "secrets/old.env"]),
    names("role", Suffix::None, &["app-server", "lambda-etl", "ci-runner", "eks-node", "readonly-audit", "admin-breakglass", "data-scientist", "glue-job", "OrganizationAccountAccessRole", "backup-job", "monitoring", "ecs-task", "cross-account-deploy", "step-functions", "firehose-delivery", "rotation"]),
    names("user", Suffix::None, &["ci-deploy", "terraform", "backup-operator", "data-pipeline", "billing-export", "audit-reader", "sre-oncall", "support-tier2", "legacy-app", "smtp-relay", "partner-sync", "dev-sandbox"]),
    names("group", Suffix::None, &["developers", "administrators", "auditors", "billing", "support"]),
    names("managedpolicy", Suffix::None, &["app-read", "data-lake-write", "deploy", "kms-use", "support-access", "deny-regions"]),
    names("function", Suffix::None, &["orders-api", "image-resize", "etl-nightly", "auth-hook", "webhook-in", "slack-notify", "log-shipper", "thumbnailer", "cost-report", "db-rotate"]),
    names("table", Suffix::None, &["orders", "sessions", "users", "inventory", "locks", "events-ttl", "feature-flags", "audit"]),
    names("kmskey", Suffix::Uuid, &["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"]),
    names("cert", Suffix::Uuid, &["c1", "c2", "c3"]),
    names("queue", Suffix::None, &["orders", "orders-dlq", "emails", "thumbnails", "exports"]),
    names("topic", Suffix::None, &["alarms", "orders-events", "deployments", "security-findings"]),
    names("loggroup", Suffix::None, &["/aws/lambda/orders-api", "/aws/lambda/etl-nightly", "/ecs/web", "/aws/eks/prod/cluster", "/vpc/flow", "/aws/codebuild/build-main"]),
    names("secret", Suffix::None, &["prod/db/master", "prod/api/stripe", "stage/db/app", "ci/github-token", "prod/smtp"]),
    names("param", Suffix::None, &["/prod/app/config", "/prod/app/db-url", "/stage/app/config", "/shared/ami/latest", "/ci/registry"]),
    names("db", Suffix::None, &["orders-prod", "orders-replica", "analytics", "stage", "legacy-mysql"]),
    names("cluster", Suffix::None, &["prod", "stage", "batch", "tools"]),
    names("service", Suffix::None, &["web", "api", "worker", "scheduler", "gateway"]),
    names("repo", Suffix::None, &["web", "api", "worker", "base-image", "tools"]),
    names("stack", Suffix::None, &["network", "app-prod", "app-stage", "data-lake", "security-baseline", "ci"]),
    names("rule", Suffix::None, &["nightly-etl", "guardduty-to-sns", "ec2-state", "rotate-keys"]),
    names("keypair", Suffix::None, &["ops-2023", "bastion", "batch"]),
    names("itype", Suffix::None, &["t3.medium", "m6i.large", "c6i.xlarge", "t3.micro", "r6i.2xlarge", "g5.xlarge", "p3.8xlarge"]),
    names("zone", Suffix::None, &["Z08215371PLQZ7EXAMPLE", "Z1D633PJN98FT9", "Z2FDTNDATAQYW2"]),
    names("distribution", Suffix::None, &["E1PA6795UKMFR9", "EDFDVBD6EXAMPLE", "E2QWRUHAPOMQZL"]),
    names("domain", Suffix::None, &["example.com", "api.example.com", "static.example.org", "intranet.example.net"]),
    names("stream", Suffix::None, &["clickstream", "orders-cdc", "telemetry"]),
    names("project", Suffix::None, &["build-main", "deploy-prod", "nightly-tests"]),
    names("database", Suffix::None, &["lake_raw", "lake_curated", "finance"]),
    names("agent", Suffix::None, &["orders-sync", "image-pipeline", "fraud-check"]),
];

/// Words in descriptions and tags, escaped for JSON: many scripts, quotes, backslashes, and escapes as AWS
/// itself writes them.
pub(super) const WORDS: &[&str] = &[
    "nightly batch",
    "managed by terraform",
    "Produktionsumgebung \u{2013} nicht l\u{f6}schen",
    "rotation trimestrielle de l'\u{e9}quipe donn\u{e9}es",
    "\u{672c}\u{756a}\u{74b0}\u{5883}\u{306e}\u{30c7}\u{30d7}\u{30ed}\u{30a4}",
    "web tier",
    "\u{442}\u{435}\u{441}\u{442}\u{43e}\u{432}\u{44b}\u{439} \u{441}\u{442}\u{435}\u{43d}\u{434}",
    "rollout \u{1f680} phase 2",
    "na\u{ef}ve fa\u{e7}ade \u{a3}\u{20ac}",
    r#"the \"blue\" fleet \\ canary"#,
    r"a \u003c b \u0026 c",
    "\u{5317}\u{4eac} \u{6d4b}\u{8bd5}",
];

/// The account ids that AWS documentation uses in examples come first; further ones are derived.
const EXAMPLE_ACCOUNTS: [&str; 6] =
    ["111122223333", "444455556666", "123456789012", "777788889999", "999988887777", "555566667777"];

/// The ids of the first `count` accounts of an archive: 12 digits each, all different.
pub(crate) fn account_ids(seed: u64, count: usize) -> Vec<String> {
    let mut ids: Vec<String> = EXAMPLE_ACCOUNTS.iter().take(count).map(|id| (*id).to_owned()).collect();
    let mut random = Rng::new(derive_u64(seed, &["accounts"]));
    while ids.len() < count {
        let id = format!("{}", random.between(200_000_000_000, 998_999_999_999));
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// One account's people, machines and things.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// Where ids of resources come from.
    pub(super) seed: u64,
    /// Names by pool, in the order of [`POOLS`].
    names: Vec<Vec<String>>,
    /// Who calls, with running totals of how often.
    principals: Vec<Principal>,
    totals: Vec<u64>,
    /// Callers from other accounts and callers that only certain services see.
    pub(super) outsider: Principal,
    pub(super) saml: Principal,
    pub(super) web_identity: Principal,
    pub(super) identity_center: Principal,
    pub(super) directory: Principal,
    pub(super) unknown: Principal,
}

impl Account {
    /// The account with this id in the archive of this seed.
    pub(crate) fn new(archive_seed: u64, id: &str) -> Self {
        let seed = derive_u64(archive_seed, &["account", id]);
        let mut random = Rng::new(seed);
        let names = POOLS
            .iter()
            .map(|pool| {
                let name = |name: &&str| match pool.suffix {
                    Suffix::None => (*name).to_owned(),
                    Suffix::Account => format!("{name}-{}", &id[6..]),
                    Suffix::Uuid => uuid_text(Rng::new(derive_u64(seed, &[pool.hole, name]))),
                };
                pool.names.iter().map(name).collect()
            })
            .collect();
        let mut principals = Vec::new();
        let mut weights = Vec::new();
        let mut add = |weight: u64, principal: Principal| {
            principals.push(principal);
            weights.push(weight);
        };
        let pool = |hole: &str| POOLS.iter().find(|p| p.hole == hole).map_or(&[][..], |p| p.names);
        for (at, role) in pool("role").iter().enumerate() {
            // machines: one session name for each of a few instances or functions
            for machine in 0..3 {
                let session = match at % 4 {
                    0 => format!("i-0{:016x}", random.next()),
                    1 => pool("function")[(at + machine) % 10].to_owned(),
                    2 => format!("botocore-session-17092{:05}", random.below(100_000)),
                    _ => format!("GitHubActions-{}", random.below(1000)),
                };
                add(900 / (at as u64 + 1), Principal::role_session(id, role, &session, &mut random));
            }
        }
        for person in ["sre-01", "sre-02", "dev-07", "dev-11", "data-03"] {
            add(260, Principal::console_session(id, "AWSReservedSSO_PowerUser_3f1c", person, &mut random));
        }
        for (at, user) in pool("user").iter().enumerate() {
            add(360 / (at as u64 + 1), Principal::user(id, user, &mut random));
        }
        add(9, Principal::simple(Kind::Root, id, &mut random));
        add(14, Principal::simple(Kind::FederatedUser, id, &mut random));
        add(8, Principal::simple(Kind::Role, id, &mut random));
        let totals = weights
            .iter()
            .scan(0, |total, weight| {
                *total += weight;
                Some(*total)
            })
            .collect();
        let outside = format!("{}", random.between(600_000_000_000, 699_999_999_999));
        Self {
            id: id.to_owned(),
            seed,
            names,
            principals,
            totals,
            outsider: Principal::simple(Kind::AwsAccount, &outside, &mut random),
            saml: Principal::simple(Kind::SamlUser, id, &mut random),
            web_identity: Principal::simple(Kind::WebIdentityUser, id, &mut random),
            identity_center: Principal::simple(Kind::IdentityCenterUser, id, &mut random),
            directory: Principal::simple(Kind::Directory, id, &mut random),
            unknown: Principal::simple(Kind::Unknown, id, &mut random),
        }
    }

    /// Somebody who calls, in proportion to how often they do.
    pub(super) fn principal(&self, random: &mut Rng) -> &Principal {
        let all = self.totals.last().copied().unwrap_or(0);
        let at = random.below(all);
        &self.principals[self.totals.partition_point(|total| *total <= at)]
    }

    /// The IAM user of this name.
    pub(super) fn user(&self, name: &str) -> Option<&Principal> {
        self.principals.iter().find(|p| p.kind == Kind::User && p.name == name)
    }

    /// The root user.
    pub(super) fn root(&self) -> &Principal {
        self.principals.iter().find(|p| p.kind == Kind::Root).unwrap_or(&self.unknown)
    }

    /// A user who signs in to the console.
    pub(super) fn console_user(&self, random: &mut Rng) -> &Principal {
        let users = self.principals.iter().filter(|p| p.kind == Kind::User && p.console);
        let at = random.below(users.clone().count() as u64) as usize;
        users.clone().nth(at).unwrap_or(&self.unknown)
    }

    /// The name at a random place of a pool; `random` decides, so that an event can ask for it again.
    pub(super) fn name(&self, pool: u8, random: u64) -> &str {
        let names = &self.names[usize::from(pool)];
        &names[crate::random::skewed(random, names.len() as u64) as usize]
    }
}

/// The hex part of the id of a resource: that of the same account, region, kind and number is the same.
pub(super) fn id_digits(account_seed: u64, region_seed: u64, kind: u8, number: u64) -> u64 {
    mix(account_seed ^ region_seed ^ (u64::from(kind) << 32) ^ number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits_and_different() {
        let ids = account_ids(3, 40);
        assert!(ids.iter().all(|id| trailseal_archive::key::is_account_id(id)));
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 40);
        assert_eq!(account_ids(3, 2), ["111122223333", "444455556666"]);
    }

    #[test]
    fn an_account_is_the_same_every_time() {
        let [a, b] = [(); 2].map(|()| Account::new(5, "111122223333"));
        assert_eq!(a.names, b.names);
        let user = |account: &Account| account.user("ci-deploy").unwrap().access_key.clone();
        assert_eq!(user(&a), user(&b));
        assert_ne!(user(&a), user(&Account::new(6, "111122223333")));
    }
}
