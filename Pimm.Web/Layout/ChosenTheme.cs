namespace Pimm.Web.Layout;

/// <summary>
/// What the cookie says about light and dark. Both style sheets are always linked; their media decide, so the first paint is
/// right without a script, "auto" follows the system, and paper is always light.
/// </summary>
public sealed record ChosenTheme(string Name, string LightMedia, string DarkMedia)
{
    public const string Cookie = "pimm-theme";

    public static ChosenTheme From(string? cookie) => cookie switch
    {
        "light" => new("light", "all", "not all"),
        "dark" => new("dark", "print", "screen"),
        _ => new("auto", "print, (prefers-color-scheme: light)", "screen and (prefers-color-scheme: dark)"),
    };
}
