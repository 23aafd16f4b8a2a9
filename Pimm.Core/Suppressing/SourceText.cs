using System.Text.RegularExpressions;
using Pimm.Core.Identifying;

namespace Pimm.Core.Suppressing;

/// <summary>Where something was said, as it is kept for ever: bounded, and without the addresses and numbers that people write into it.</summary>
internal static partial class SourceText
{
    private const int Longest = 200;

    public static string Of(string text)
    {
        var masked = Number().Replace(Address().Replace(text, found => IdentifierStore.Masked(IdentifierKind.Email, found.Value)), found => IdentifierStore.Masked(IdentifierKind.Phone, found.Value));
        return masked.Length <= Longest ? masked : masked[..Longest];
    }

    [GeneratedRegex(@"[^\s@,;<>()""']+@[^\s@,;<>()""']+", RegexOptions.CultureInvariant)]
    private static partial Regex Address();

    // As people write phone numbers: days and names of files begin with neither plus sign, bracket nor zero.
    [GeneratedRegex(@"(?<![\w./-])(?:[+(]{1,2}\d|0)(?:[ ()./-]{0,3}\d){7,}", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
