//! VPC Block Public Access: what of the internet a subnet may use.
//!
//! Pages: `vpc/latest/userguide/security-vpc-bpa.html`, `security-vpc-bpa-basics.html`, `security-vpc-bpa-example.html`.

use crate::actions::Action;
use crate::analysis::{Index, Unseen};
use crate::finding::Evidence;
use crate::inventory::State;
use crate::inventory::ec2::{BlockPublicAccessExclusion, BlockPublicAccessStates};

/// What is blocked, exclusions counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockMode {
    /// Nothing.
    Off,
    /// All but what leaves over NAT and egress-only gateways.
    Ingress,
    /// All.
    Bidirectional,
}

impl BlockMode {
    /// Whether traffic straight to an internet gateway is blocked. Both directions are, in either mode: AWS's example shows
    /// that an instance with a public address cannot even open connections while `block-ingress` is on.
    #[must_use]
    pub fn internet_gateway_blocked(self) -> bool {
        self != Self::Off
    }

    /// Whether NAT and egress-only gateways, which let connections be opened outwards alone, are blocked.
    #[must_use]
    pub fn egress_blocked(self) -> bool {
        self == Self::Bidirectional
    }

    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "off" => Some(Self::Off),
            "block-ingress" => Some(Self::Ingress),
            "block-bidirectional" => Some(Self::Bidirectional),
            _ => None,
        }
    }
}

/// What Block Public Access does to a subnet: the account's mode, softened by exclusions of the subnet or its VPC. Where the
/// options were not asked for, or the VPC belongs to another account, what VPC and subnet say of themselves; else off.
///
/// # Errors
/// What was not seen and could decide.
pub fn block_mode(index: &Index<'_>, subnet: &str) -> Result<BlockMode, Unseen> {
    let region = index.region;
    let vpc = index.subnets.get(subnet).and_then(|s| index.vpcs.get(s.vpc_id.as_str()));
    let stated = stated(index, subnet);
    // The owner's settings hold for a shared VPC, and ours say nothing about it.
    let foreign = vpc.and_then(|v| v.owner_id.as_deref()).is_some_and(|owner| owner != region.account);
    let options = region.block_public_access_options.as_ref().filter(|_| !foreign);
    if let Some(options) = options {
        let Some(mode) = options.internet_gateway_block_mode.as_deref().and_then(BlockMode::read) else {
            return stated.unwrap_or(Err(Unseen::Elsewhere("the mode of Block Public Access".to_owned())));
        };
        return if mode == BlockMode::Off { Ok(mode) } else { with_exclusions(index, subnet, mode, stated) };
    }
    if let Some(stated) = stated {
        return stated;
    }
    match region.completeness.state(Action::DescribeVpcBlockPublicAccessOptions) {
        // Asked and not answered.
        State::Missing | State::Partial if !foreign => Err(Unseen::Action(Action::DescribeVpcBlockPublicAccessOptions)),
        _ => Ok(BlockMode::Off),
    }
}

/// Mode with the exclusions that reach a subnet.
fn with_exclusions(index: &Index<'_>, subnet: &str, mode: BlockMode, stated: Option<Result<BlockMode, Unseen>>) -> Result<BlockMode, Unseen> {
    let mut least = mode;
    let mut doubtful = false;
    for exclusion in index.region.block_public_access_exclusions.iter().filter(|e| reaches(index, e, subnet)) {
        let softened = match exclusion.internet_gateway_exclusion_mode.as_deref() {
            Some(m) if m.eq_ignore_ascii_case("allow-bidirectional") => BlockMode::Off,
            // Egress alone is what `block-ingress` leaves open anyway; there it is ignored.
            Some(m) if m.eq_ignore_ascii_case("allow-egress") => BlockMode::Ingress,
            _ => {
                doubtful = true;
                continue;
            }
        };
        match exclusion.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("create-complete" | "update-complete" | "update-failed") => least = least.min(softened),
            Some("create-failed" | "delete-complete" | "disable-complete") => {}
            // On its way in, out or over.
            _ => doubtful |= softened < mode,
        }
    }
    if least == BlockMode::Off {
        return Ok(least);
    }
    if doubtful {
        return stated.unwrap_or(Err(Unseen::Elsewhere("the state of an exclusion from Block Public Access".to_owned())));
    }
    match index.region.completeness.state(Action::DescribeVpcBlockPublicAccessExclusions) {
        State::Complete | State::Assumed => Ok(least),
        _ => stated.unwrap_or(Err(Unseen::Action(Action::DescribeVpcBlockPublicAccessExclusions))),
    }
}

/// Whether an exclusion is of the subnet or of its VPC.
fn reaches(index: &Index<'_>, exclusion: &BlockPublicAccessExclusion, subnet: &str) -> bool {
    let Some((_, id)) = exclusion.resource_arn.as_deref().and_then(|arn| arn.rsplit_once('/')) else { return false };
    id == subnet || index.subnets.get(subnet).is_some_and(|s| s.vpc_id == id)
}

/// What the subnet says of itself, else its VPC.
fn stated(index: &Index<'_>, subnet: &str) -> Option<Result<BlockMode, Unseen>> {
    let subnet = index.subnets.get(subnet)?;
    let of = |states: &Option<BlockPublicAccessStates>| states.as_ref().and_then(|s| s.internet_gateway_block_mode.clone());
    let text = of(&subnet.block_public_access_states).or_else(|| of(&index.vpcs.get(subnet.vpc_id.as_str())?.block_public_access_states))?;
    Some(BlockMode::read(&text).ok_or(Unseen::Elsewhere(format!("what Block Public Access does: {text}"))))
}

/// The fields that say so.
pub(super) fn evidence(index: &Index<'_>, subnet: &str) -> Option<Evidence> {
    if let Some(mode) = index.region.block_public_access_options.as_ref().and_then(|o| o.internet_gateway_block_mode.as_deref()) {
        return Some(Evidence::new(Action::DescribeVpcBlockPublicAccessOptions, "InternetGatewayBlockMode", mode, format!("and no exclusion that lets {subnet} out")));
    }
    let mode = index.subnets.get(subnet)?.block_public_access_states.as_ref()?.internet_gateway_block_mode.as_deref()?;
    Some(Evidence::new(Action::DescribeSubnets, "BlockPublicAccessStates.InternetGatewayBlockMode", mode, subnet))
}
