namespace Pimm.Core.Identifying;

/// <summary>Identifiers as pages, messages and logs may show them.</summary>
internal static class Mask
{
    private const string Dots = "•••";

    public static string Email(string value)
    {
        var at = value.LastIndexOf('@');
        if (at < 1 || at == value.Length - 1)
            return Rest(value);
        var domain = value[(at + 1)..];
        var top = domain.LastIndexOf('.');
        return top > 0 ? $"{First(value)}{Dots}@{First(domain)}{Dots}{domain[top..]}" : $"{First(value)}{Dots}@{First(domain)}{Dots}";
    }

    /// <summary>The first three and the last three characters of a number that is long enough to keep as many to itself.</summary>
    public static string Phone(string value) => value.Length >= 9 ? $"{value[..3]}•••••{value[^3..]}" : Rest(value);

    public static string Rest(string value) => value.Length == 0 ? "" : $"{First(value)}{Dots}";

    // A letter of two UTF-16 units is not cut in half.
    private static string First(string value) => char.IsHighSurrogate(value[0]) && value.Length > 1 ? value[..2] : value[..1];
}
