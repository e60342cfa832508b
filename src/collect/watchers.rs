//! GuardDuty, which may watch tasks and instances, CloudTrail, which saw which way calls took, and who the caller is.

use std::sync::Arc;

use super::convert::other as convert;
use super::work::{Ends, Page, Work, named};
use crate::actions::Action;
use crate::aws::CallError;

/// Pages of events of one name; the newest come first.
const EVENT_PAGES: u32 = 2;

/// Events that ECS's own traffic leaves behind, by name.
const EVENTS: [&str; 9] = [
    "DiscoverPollEndpoint",
    "RegisterContainerInstance",
    "SubmitTaskStateChange",
    "GetAuthorizationToken",
    "BatchGetImage",
    "GetDownloadUrlForLayer",
    "GetSecretValue",
    "GetParameters",
    "CreateLogStream",
];

/// Detectors, and what they watch.
pub(super) async fn detectors(work: Arc<Work>) {
    let ends = Ends::new(&work, Action::GetDetector);
    if !work.wants(Action::ListDetectors) {
        return;
    }
    let client = work.clients.guardduty.clone();
    let _ = work
        .pages_body(
            Action::ListDetectors,
            None,
            true,
            |token| client.list_detectors().max_results(50).set_next_token(token).send(),
            // The SDK makes an absent list an empty one.
            |out, body| if named(body, "detectorIds") { Some(Page::new(out.detector_ids?, out.next_token)) } else { None },
            |ids| {
                for id in &ids {
                    if work.first(Action::GetDetector, id) {
                        work.start(detector(Arc::clone(&work), Arc::clone(&ends), id.clone()));
                    }
                }
                work.with(|r| r.detector_ids.extend(ids));
            },
        )
        .await;
}

async fn detector(work: Arc<Work>, _held: Arc<Ends>, id: String) {
    let client = &work.clients.guardduty;
    let answer = work.ask_one(Action::GetDetector, &id, &[], || client.get_detector().detector_id(&id).send(), convert::detector).await;
    work.keep(&id, answer, |r| &mut r.detectors);
}

/// The newest events of each name, one name after the other: AWS lets nobody ask faster. Whatever keeps one from being
/// answered, all attempts included, stands for those after it as well.
pub(super) fn events(work: &Arc<Work>) {
    if !work.wants(Action::LookupEvents) {
        return;
    }
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        for (at, name) in EVENTS.into_iter().enumerate() {
            if let Err(error) = events_named(&work, name).await {
                work.book(|b| b.failed(Action::LookupEvents, &error, EVENTS.into_iter().skip(at)));
                return;
            }
        }
    });
}

async fn events_named(work: &Arc<Work>, name: &'static str) -> Result<(), CallError> {
    use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
    let client = &work.clients.cloudtrail;
    let left = std::sync::atomic::AtomicU32::new(EVENT_PAGES);
    work.pages(
        Action::LookupEvents,
        Some(name),
        |token| {
            let attribute = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventName).attribute_value(name).build().ok();
            client.lookup_events().set_lookup_attributes(attribute.map(|a| vec![a])).max_results(50).set_next_token(token).send()
        },
        |out| {
            let more = left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) > 1;
            Some(Page::new(out.events?.into_iter().map(convert::event).collect(), out.next_token.filter(|_| more)))
        },
        |events| work.with(|r| r.cloudtrail_events.extend(events)),
    )
    .await
}

/// Asks whose account this is, if neither clusters nor settings told. Failing does no harm: then owners of resources tell.
pub(super) async fn caller(work: Arc<Work>) {
    work.ended(&[Action::ListAccountSettings, Action::DescribeClusters]).await;
    if work.found.account.get().is_some() {
        return;
    }
    let client = &work.clients.sts;
    if let Ok(account) = work.ask(Action::GetCallerIdentity, &[], || client.get_caller_identity().send(), |out| out.account).await {
        let _ = work.found.account.set(account);
    }
}
