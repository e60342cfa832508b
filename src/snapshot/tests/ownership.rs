//! Which account and region a folder is of.

use super::*;
use crate::snapshot::choose;

const VPCS: &str = r#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#;
const SUBNETS: &str = r#"{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a", "SubnetArn": "arn:aws:ec2:eu-west-1:222233334444:subnet/subnet-1"}]}"#;
const IDENTITY: &str = r#"{"UserId": "AIDA", "Account": "333344445555", "Arn": "arn:aws:iam::333344445555:user/x"}"#;

fn clusters(account: &str, region: &str) -> String {
    format!(r#"{{"clusters": [{{"clusterArn": "arn:aws:ecs:{region}:{account}:cluster/a"}}]}}"#)
}

fn of(inventory: &Inventory) -> Vec<(&str, &str, &str)> {
    inventory.regions.iter().map(|r| (r.partition.as_str(), r.account.as_str(), r.region.as_str())).collect()
}

#[test]
fn region_from_folder_then_zones_then_arns_then_option() {
    let folder = Folder::bare();
    folder.file("us-west-2/ec2.describe-subnets.json", SUBNETS).file("sts.get-caller-identity.json", IDENTITY);
    assert_eq!(of(&folder.load().unwrap()), [("aws", "333344445555", "us-west-2")], "the folder's name comes before zones");
    assert_eq!(of(&load(&folder.path().join("us-west-2"), &LoadOptions::default()).unwrap()), [("aws", "222233334444", "us-west-2")], "also where it is the snapshot itself");

    let folder = Folder::bare();
    folder.file("ec2.describe-subnets.json", SUBNETS).file("ecs.describe-clusters.json", clusters("111122223333", "us-east-2"));
    assert_eq!(of(&folder.load_in(&["ap-south-1"]).unwrap()), [("aws", "111122223333", "eu-west-1")], "zones before ARNs before --region; ECS ARNs tell the account");

    let folder = Folder::bare();
    folder.file("ecs.describe-clusters.json", clusters("111122223333", "cn-north-1").replace("arn:aws:", "arn:aws-cn:"));
    assert_eq!(of(&folder.load_in(&["ap-south-1"]).unwrap()), [("aws-cn", "111122223333", "cn-north-1")]);

    let folder = Folder::bare();
    folder.file("ec2.describe-vpcs.json", VPCS).file("sts.get-caller-identity.json", IDENTITY);
    assert_eq!(of(&folder.load_in(&["us-gov-west-1"]).unwrap()), [("aws-us-gov", "333344445555", "us-gov-west-1")]);
    assert!(folder.error().contains("--region"), "{}", folder.error());
    assert!(folder.load_in(&["us-east-1", "us-east-2"]).is_err(), "two regions are no answer");
}

#[test]
fn account_from_folder_then_identity_then_arns() {
    let folder = Folder::bare();
    folder.file("444455556666/eu-west-1/ec2.describe-subnets.json", SUBNETS).file("444455556666/sts.get-caller-identity.json", IDENTITY);
    assert_eq!(of(&folder.load().unwrap()), [("aws", "444455556666", "eu-west-1")]);
    assert_eq!(of(&load(&folder.path().join("444455556666/eu-west-1"), &LoadOptions::default()).unwrap()), [("aws", "444455556666", "eu-west-1")], "the names above count as well");
    assert_eq!(of(&load(&folder.path().join("444455556666"), &LoadOptions::default()).unwrap()), [("aws", "444455556666", "eu-west-1")]);

    let folder = Folder::bare();
    folder.file("ec2.describe-subnets.json", SUBNETS);
    assert_eq!(of(&folder.load().unwrap()), [("aws", "222233334444", "eu-west-1")], "an ARN that is not even modelled");
    folder.file("sts.get-caller-identity.json", IDENTITY);
    assert_eq!(of(&folder.load().unwrap()), [("aws", "333344445555", "eu-west-1")]);

    let folder = Folder::bare();
    folder.file("us-east-1/ec2.describe-vpcs.json", VPCS);
    let message = folder.error();
    assert!(message.contains("account") && message.contains("sts.get-caller-identity.json"), "{message}");
    folder.file("eu-west-1/ecs.describe-clusters.json", clusters("111122223333", "eu-west-1"));
    assert_eq!(of(&folder.load().unwrap()), [("aws", "111122223333", "eu-west-1"), ("aws", "111122223333", "us-east-1")], "a region without a hint is of the others' account");
}

#[test]
fn a_flat_folder_holds_one_account_and_one_region() {
    let folder = Folder::new();
    folder.file("ecs.describe-clusters.a.json", clusters("111122223333", "us-east-2")).file("ecs.describe-clusters.b.json", clusters("999988887777", "us-east-2"));
    let message = folder.error();
    assert!(message.contains("111122223333") && message.contains("999988887777"), "{message}");

    let folder = Folder::bare();
    folder.file("ecs.describe-clusters.a.json", clusters("111122223333", "us-east-2")).file("ecs.describe-clusters.b.json", clusters("111122223333", "us-east-1"));
    assert!(folder.error().contains("us-east-1, us-east-2"), "{}", folder.error());
}

#[test]
fn several_regions_and_what_they_share() {
    let folder = Folder::bare();
    folder
        .file("us-east-1/ec2.describe-vpcs.json", VPCS)
        .file("us-east-2/ec2.describe-vpcs.json", VPCS)
        .file("us-east-2/route53.list-hosted-zones-by-vpc.json", r#"{"vpc-2": {"HostedZoneSummaries": []}}"#)
        .file("global/route53.list-hosted-zones-by-vpc.json", r#"{"vpc-1": {"HostedZoneSummaries": []}}"#)
        .file("global/iam.get-role.json", r#"[{"Role": {"RoleName": "a"}}]"#)
        .file("global/ec2.describe-subnets.json", SUBNETS)
        .file("sts.get-caller-identity.json", IDENTITY)
        .file("eu-west-1/notes.txt", "no operation, so no region");
    let inventory = folder.load().unwrap();
    assert_eq!(of(&inventory), [("aws", "333344445555", "us-east-1"), ("aws", "333344445555", "us-east-2")]);
    assert!(inventory.regions.iter().all(|r| r.roles.contains_key("a") && r.hosted_zones.contains_key("vpc-1")));
    assert!(inventory.regions.iter().all(|r| r.subnets.is_empty()), "subnets are of no global service");
    assert!(inventory.regions[1].hosted_zones.contains_key("vpc-2"));
    folder.file("audit-snapshot.json", r#"{"account": "333344445555", "region": "us-east-2"}"#).file("ec2.describe-vpcs.json", VPCS);
    assert!(folder.error().contains("two folders"), "{}", folder.error());
}

#[test]
fn a_manifest_of_shared_files_tells_of_them() {
    let folder = Folder::bare();
    folder
        .file("us-east-1/ec2.describe-vpcs.json", VPCS)
        .file("global/audit-snapshot.json", r#"{"schema": "audit-snapshot/1", "account": "333344445555", "completeness": {"iam:GetRole": {"state": "missing", "error": "AccessDenied"}}}"#);
    let inventory = folder.load().unwrap();
    assert_eq!(of(&inventory), [("aws", "333344445555", "us-east-1")]);
    assert_eq!(state(&inventory.regions[0], Action::GetRole), State::Missing);
}

#[test]
fn choosing() {
    let folder = Folder::bare();
    folder
        .file("us-east-1/ec2.describe-vpcs.json", VPCS)
        .file("us-east-2/ec2.describe-vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-2"}]}"#)
        .file("eu-west-1/ec2.describe-vpcs.json", r#"{"Error": {"Code": "UnauthorizedOperation"}}"#)
        .file("sts.get-caller-identity.json", IDENTITY);
    let all = folder.load().unwrap();
    let text = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    let chosen = |regions: &[&str], vpcs: &[&str]| choose(all.clone(), &text(regions), &text(vpcs)).map(|i| i.regions.into_iter().map(|r| r.region).collect::<Vec<_>>()).map_err(|e| e.to_string());
    assert_eq!(chosen(&[], &[]).unwrap(), ["eu-west-1", "us-east-1", "us-east-2"]);
    assert_eq!(chosen(&["us-east-2"], &[]).unwrap(), ["us-east-2"]);
    assert_eq!(chosen(&["us-east-2"], &["vpc-2"]).unwrap(), ["us-east-2"]);
    assert!(chosen(&["us-east-2", "sa-east-1"], &[]).unwrap_err().contains("sa-east-1"));
    let message = chosen(&["us-east-1", "us-east-2"], &["vpc-9"]).unwrap_err();
    assert!(message.contains("vpc-9") && message.contains("us-east-1, us-east-2"), "{message}");
    assert!(chosen(&["us-east-1"], &["vpc-2"]).is_err(), "it is in a region that was not chosen");
    assert!(chosen(&[], &["vpc-9"]).is_ok(), "where VPCs were not seen, it may be");
}
