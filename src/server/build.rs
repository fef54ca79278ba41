//! In what order is a gateway built? What can fail for want of a free address or a readable file comes first, and
//! the doors open last.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::banner::banner;
use super::files;
use super::run::threads;
use super::vaults::Vaults;
use super::{Gateway, StartError};
use crate::access::{Gate, TokenCookie};
use crate::admin::{self, Admin};
use crate::clock::Clock;
use crate::config::Config;
use crate::control;
use crate::endpoint::Endpoints;
use crate::observe::{AccessLog, Metrics, Writer};
use crate::proxy::{Bindings, ENDPOINT_ROUTES, Parts};
use crate::revocation::Revocations;
use crate::route::RouteTable;
use crate::sessions::Sessions;
use crate::token::{Issuer, KeyRing, Verifier};
use crate::upstream::{HealthObserver, Timeouts, Upstreams};

/// Everything that decides: the vaults and the rules.
struct Core {
    clock: Clock,
    metrics: Arc<Metrics>,
    gate: Arc<Gate>,
    endpoints: Arc<Endpoints>,
    revocations: Arc<Revocations>,
    sessions: Arc<Sessions>,
    routes: RouteTable,
}

pub(super) async fn build(
    config: Config,
    clock: Clock,
    sink: impl Write + Send + 'static,
) -> Result<Gateway, StartError> {
    let bindings = Bindings::bind(&config.listen).await.map_err(|error| {
        StartError::new(error.to_string(), "free the address, or change [listen] in the configuration")
    })?;
    let admin = TcpListener::bind(config.listen.admin).await.map_err(|error| {
        let remedy = "free the address, or change `admin` in [listen]";
        StartError::new(format!("cannot listen on {}: {error}", config.listen.admin), remedy)
    })?;
    let admin_address = admin.local_addr().unwrap_or(config.listen.admin);
    let control = control::bind(&config.listen.control).await.map_err(|error| {
        let remedy = "another gateway may be using this configuration; if not, change `control` in [listen]";
        StartError::new(format!("cannot listen on {}: {error}", config.listen.control.display()), remedy)
    })?;
    let core = core(&config, clock).await?;
    let (log, writer) = access_log(&config, sink)?;
    let told = log.clone();
    core.metrics.on_render(Box::new(move |gauges| gauges.access_log_dropped(told.dropped())));
    let (shutdown, watch) = watch::channel(false);
    let upstreams = upstreams(&config, &core.metrics, &watch).await;
    let draining = Arc::new(AtomicBool::new(false));
    let admin = admin::serve(admin, desk(&core, &draining), ended(watch.clone()));
    let counted = count_revocations(&core.metrics);
    let control = control.serve(
        Arc::clone(&core.revocations),
        Arc::clone(&core.sessions),
        counted,
        ended(watch.clone()),
    );
    let offices = vec![
        tokio::spawn(async move {
            if let Err(error) = admin.await {
                tracing::error!(%error, "the admin listener failed");
            }
        }),
        tokio::spawn(control),
    ];
    let mut limits = config.limits;
    files::fit(&mut limits);
    let (revocations, sessions) = (Arc::clone(&core.revocations), Arc::clone(&core.sessions));
    let parts = Parts {
        clock: core.clock,
        routes: core.routes,
        gate: core.gate,
        endpoints: core.endpoints,
        upstreams,
        metrics: core.metrics,
        log,
        identity: config.identity.clone(),
        cors: config.cors.clone(),
        limits,
        errors: config.errors,
        trusted_proxies: config.listen.trusted_proxies.clone(),
        sign_in: config.endpoints.signin.first().cloned(),
    };
    let listening = bindings.open(parts, watch, threads());
    let banner = banner(&config, listening.addresses(), admin_address);
    Ok(Gateway {
        listening,
        admin: admin_address,
        banner,
        drain_time: config.limits.drain_time,
        draining,
        shutdown,
        revocations,
        sessions,
        offices,
        log: writer,
    })
}

async fn core(config: &Config, clock: Clock) -> Result<Core, StartError> {
    let routes = RouteTable::build(config.routes.clone(), config.default_route)
        .map_err(|problems| StartError::new(problems[0].message.clone(), "run `gatepass check`"))?
        .serving(config.hosts.clone());
    let metrics = metrics(config, &routes);
    let keys = Arc::new(KeyRing::new(&config.tokens));
    let vaults = Vaults::open(config, &metrics, &keys, &clock).await?;
    vaults.sampled(&metrics);
    let verifier = Arc::new(Verifier::new(&config.tokens, Arc::clone(&keys), clock.clone()));
    let cookie = config.endpoints.page.as_ref().map(|page| TokenCookie::new(&page.cookie));
    let (revocations, sessions) = (Arc::clone(&vaults.revocations), Arc::clone(&vaults.sessions));
    let accounts = Arc::clone(&vaults.accounts);
    let gate = Gate::new(Arc::clone(&verifier), Arc::clone(&revocations), accounts, Arc::clone(&sessions));
    let gate = Arc::new(gate.with_cookie(cookie));
    let issuer = Issuer::new(&config.tokens, keys, clock.clone());
    let logins = vaults.logins(config, &metrics, issuer, verifier, clock.clone())?;
    let endpoints = Arc::new(Endpoints::new(
        &config.endpoints,
        Arc::new(logins),
        Arc::clone(&gate),
        config.errors,
        &config.tokens.issuer,
        Arc::clone(&metrics),
    ));
    Ok(Core { clock, metrics, gate, endpoints, revocations, sessions, routes })
}

fn metrics(config: &Config, routes: &RouteTable) -> Arc<Metrics> {
    let names = routes.routes().iter().map(|route| route.name.clone());
    let names: Vec<String> =
        names.chain(ENDPOINT_ROUTES.iter().map(|(_, route)| (*route).to_owned())).collect();
    let upstreams: Vec<String> = config.upstreams.iter().map(|upstream| upstream.name.clone()).collect();
    Arc::new(Metrics::new(&names, &upstreams))
}

async fn upstreams(config: &Config, metrics: &Arc<Metrics>, shutdown: &watch::Receiver<bool>) -> Upstreams {
    /// What a busy backend may need to take a request that it has accepted.
    const WRITE: Duration = Duration::from_secs(60);
    let limits = config.limits;
    let timeouts = Timeouts {
        connect: limits.connect_time,
        read: limits.request_time,
        write: WRITE,
        idle: crate::proxy::UPSTREAM_IDLE,
    };
    Upstreams::start(&config.upstreams, timeouts, shutdown, |index| -> HealthObserver {
        let (metrics, name) = (Arc::clone(metrics), config.upstreams[index].name.clone());
        Arc::new(move |server, up| metrics.gauges().upstream_up(&name, server, up))
    })
    .await
}

fn access_log(
    config: &Config,
    sink: impl Write + Send + 'static,
) -> Result<(AccessLog, Option<Writer>), StartError> {
    if !config.log.access {
        return Ok((AccessLog::silent(), None));
    }
    let (log, writer) = AccessLog::start(sink).map_err(|error| {
        StartError::new(format!("cannot start the access log: {error}"), "check the process limits")
    })?;
    Ok((log, Some(writer)))
}

fn desk(core: &Core, draining: &Arc<AtomicBool>) -> Admin {
    let (revocations, draining) = (Arc::clone(&core.revocations), Arc::clone(draining));
    Admin {
        metrics: Arc::clone(&core.metrics),
        ready: Arc::new(move || {
            if draining.load(Ordering::Acquire) {
                Err("shutting down".to_owned())
            } else if revocations.is_ready() {
                Ok(())
            } else if revocations.is_loaded() {
                Err("the revocation store has not answered for longer than max_staleness".to_owned())
            } else {
                Err("the revocations are not loaded yet".to_owned())
            }
        }),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn count_revocations(metrics: &Arc<Metrics>) -> impl Fn(crate::revocation::Scope) + Send + Sync + 'static {
    let metrics = Arc::clone(metrics);
    move |scope| metrics.revocation(scope)
}

/// Resolves when the shutdown is announced.
async fn ended(mut watch: watch::Receiver<bool>) {
    // An error means that the gateway is gone, which ends it as well.
    let _ = watch.wait_for(|ended| *ended).await;
}
