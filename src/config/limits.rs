//! `[limits]`, `[log]`, `[errors]`: how much, how long, how loud, in which form?

use std::ops::RangeInclusive;
use std::time::Duration;

use super::reading::Reading;
use super::section::Section;
use super::settings::LogSettings;
use crate::answer::ErrorBody;
use crate::proxy::Limits;

/// No wait is without an end, and none ends before a network can answer.
pub(super) const TIMES: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);

/// Reads `[limits]`.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Limits {
    let mut section = top.section(reading, "limits", "limits");
    let or = Limits::default();
    let time = |reading: &mut Reading, section: &mut Section<'_>, key, default| {
        section.duration(reading, key, default, TIMES).map_or(default, |found| found.value)
    };
    let head_time = time(reading, &mut section, "head_time", or.head_time);
    let idle_time = time(reading, &mut section, "idle_time", or.idle_time);
    let request_time = time(reading, &mut section, "request_time", or.request_time);
    let connect_time = time(reading, &mut section, "connect_time", or.connect_time);
    let stream_idle = time(reading, &mut section, "stream_idle", or.stream_idle);
    let drain_time = time(reading, &mut section, "drain_time", or.drain_time);
    let head = section.size(reading, "head", or.head as u64, 1 << 10..=1 << 20);
    let body = section.size(reading, "body", or.body, 0..=1 << 50);
    let body_rate = section.size(reading, "body_rate", or.body_rate, 1..=1 << 30);
    let body_grace = time(reading, &mut section, "body_grace", or.body_grace);
    let count = |reading: &mut Reading, section: &mut Section<'_>, key, default: usize| {
        let found = section.integer(reading, key, default as u64, 1..=u64::from(u32::MAX));
        usize::try_from(found).unwrap_or(default)
    };
    let connections = count(reading, &mut section, "connections", or.connections);
    let connections_per_address =
        count(reading, &mut section, "connections_per_address", or.connections_per_address);
    let requests = u64::from(or.requests_per_connection);
    let requests = section.integer(reading, "requests_per_connection", requests, 1..=u64::from(u32::MAX));
    section.finish(reading);
    Limits {
        head: head.and_then(|size| usize::try_from(size.value).ok()).unwrap_or(or.head),
        head_time,
        idle_time,
        body: body.map_or(or.body, |size| size.value),
        body_rate: body_rate.map_or(or.body_rate, |size| size.value),
        body_grace,
        request_time,
        connect_time,
        requests_per_connection: u32::try_from(requests).unwrap_or(or.requests_per_connection),
        connections,
        connections_per_address,
        drain_time,
        stream_idle,
    }
}

/// Reads `[log]`.
pub(super) fn log(reading: &mut Reading, top: &mut Section<'_>) -> LogSettings {
    let mut section = top.section(reading, "log", "log");
    let level = section.word(reading, "level", &["info", "error", "warn", "debug"]);
    let access = section.boolean(reading, "access");
    section.finish(reading);
    LogSettings {
        level: level.map_or("info", |level| level.value).to_owned(),
        access: access.is_none_or(|access| access.value),
    }
}

/// Reads `[errors]`.
pub(super) fn errors(reading: &mut Reading, top: &mut Section<'_>) -> ErrorBody {
    let mut section = top.section(reading, "errors", "errors");
    let body = section.word(reading, "body", &["oauth", "problem", "fastapi"]);
    section.finish(reading);
    match body.map(|body| body.value) {
        Some("problem") => ErrorBody::Problem,
        Some("fastapi") => ErrorBody::FastApi,
        _ => ErrorBody::OAuth,
    }
}
