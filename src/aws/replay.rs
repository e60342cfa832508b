//! Recorded answers in the place of the network. They are chosen by what is asked (service, operation, region, body), never by
//! the order of the calls, so that concurrent collection gets the same answers every time. Everything above the socket,
//! the SDK's own parsing included, is the live code.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

/// One request, as far as an answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The name of the service in the signature: `ec2`, `ecs`, `route53` …
    pub service: String,
    /// The region in the signature.
    pub region: String,
    /// The operation (`DescribeVpcs`), or method and path of a REST service (`GET /2013-04-01/hostedzonesbyvpc`).
    pub operation: String,
    /// The query string.
    pub query: String,
    /// The body: form or JSON.
    pub body: String,
}

impl Asked {
    /// A parameter of a form body or of the query string, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').chain(self.body.split('&'));
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| percent_decode(&value.replace('+', " ")))
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// Something that answers requests in the place of AWS; `None` breaks the connection.
pub trait Answers: Send + Sync + fmt::Debug {
    /// The answer to one request.
    fn answer(&self, asked: &Asked) -> Option<Reply>;
}

/// The HTTP client over recorded answers.
#[derive(Debug, Clone)]
pub(super) struct Replay(pub(super) Arc<dyn Answers>);

impl HttpClient for Replay {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Replay {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reply = self.0.answer(&asked(&request));
        HttpConnectorFuture::ready(match reply {
            Some(reply) => StatusCode::try_from(reply.status).map(|status| HttpResponse::new(status, SdkBody::from(reply.body))).map_err(|e| ConnectorError::other(e.into(), None)),
            None => Err(ConnectorError::io("the connection broke".into())),
        })
    }
}

fn asked(request: &HttpRequest) -> Asked {
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let rest = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
    let path = rest.find(['/', '?']).map_or("/", |at| rest.split_at(at).1);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let target = request.headers().get("x-amz-target").and_then(|t| t.rsplit('.').next());
    let form = (body.starts_with("Action=") || body.contains("&Action=")).then(|| body.split('&').find_map(|p| p.strip_prefix("Action="))).flatten();
    let operation = target.or(form).map_or_else(|| format!("{} {}", request.method(), percent_decode(path)), str::to_owned);
    // Credential=AKID/date/region/service/aws4_request
    let scope = request.headers().get("authorization").and_then(|a| a.split("Credential=").nth(1)).unwrap_or_default();
    let mut scope = scope.split(['/', ',']).skip(2);
    let region = scope.next().unwrap_or_default().to_owned();
    let service = scope.next().unwrap_or_default().to_owned();
    Asked { service, region, operation, query: query.to_owned(), body }
}

/// Decodes `%41`; what is no valid escape stays as it is.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let mut ahead = bytes.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_others_kept() {
        assert_eq!(percent_decode("%7B%22a%22%3A1%7D"), r#"{"a":1}"#);
        assert_eq!(percent_decode("100% of %zz %2"), "100% of %zz %2");
        assert_eq!(percent_decode("%E2%82%AC"), "€");
    }

    #[test]
    fn requests_are_read_by_protocol() {
        let mut form = HttpRequest::new(SdkBody::from("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc%2D1"));
        form.set_uri("https://ec2.us-east-2.amazonaws.com/").unwrap();
        form.set_method("POST").unwrap();
        form.headers_mut().insert("authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-2/ec2/aws4_request, SignedHeaders=host");
        let form = asked(&form);
        assert_eq!((form.service.as_str(), form.region.as_str(), form.operation.as_str()), ("ec2", "us-east-2", "DescribeVpcs"));
        assert_eq!(form.parameter("Filter.1.Value.1").as_deref(), Some("vpc-1"));

        let mut rest = HttpRequest::new(SdkBody::empty());
        rest.set_uri("https://route53.amazonaws.com/2013-04-01/hostedzonesbyvpc?vpcid=vpc-1").unwrap();
        let rest = asked(&rest);
        assert_eq!(rest.operation, "GET /2013-04-01/hostedzonesbyvpc");
        assert_eq!(rest.parameter("vpcid").as_deref(), Some("vpc-1"));
    }
}
