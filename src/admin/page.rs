//! What does a person see who opens the admin listener in a browser? One small page, with nothing from elsewhere.

/// The page, in HTML.
pub(super) fn render(version: &str, ready: &Result<(), String>) -> String {
    let version = escaped(version);
    let (class, state) = match ready {
        Ok(()) => ("good", "ready".to_owned()),
        Err(why) => ("bad", format!("not ready: {}", escaped(why))),
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Gatepass</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
.good {{ color: #176d2d }} .bad {{ color: #a4161a }}
</style>
<h1>Gatepass {version}</h1>
<p>This gateway is <strong class="{class}">{state}</strong>.</p>
<ul>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a>: whether the process serves</li>
<li><a href="/readyz">/readyz</a>: whether it should be sent requests</li>
</ul>
</html>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_text() {
        let page = render("1.2.3", &Err("<script>\"&".to_owned()));
        assert!(page.contains("not ready: &lt;script&gt;&quot;&amp;") && page.contains("Gatepass 1.2.3"));
        assert!(!page.contains("<script"));
        assert!(render("1", &Ok(())).contains("class=\"good\">ready<"));
    }
}
