using System.Globalization;

namespace Pimm.Web.Shared;

/// <summary>Numbers of an address: whatever somebody typed there that is none counts as not given, and never stops a page.</summary>
internal static class AddressNumber
{
    public static int? Int(string? text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A page of a list: from 1, and never so far that counting the rows before it overflows.</summary>
    public static int? Page(string? text) => Int(text) is { } page ? Math.Clamp(page, 1, 1_000_000) : null;

    public static long? Long(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
