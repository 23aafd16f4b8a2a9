namespace Pimm.Web.Tests;

internal static class Chromium
{
    /// <summary>Debian's, or the one that PIMM_CHROMIUM names.</summary>
    public static string Path => Environment.GetEnvironmentVariable("PIMM_CHROMIUM") is { Length: > 0 } named ? named : "/usr/bin/chromium";

    public static string[] Arguments { get; } =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
}
