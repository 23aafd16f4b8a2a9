using System.Text.RegularExpressions;

namespace Pimm.Core.Training;

/// <summary>A name from a file in a Markdown table, so that it neither ends a cell nor becomes markup.</summary>
internal static partial class MarkdownCell
{
    public static string Of(string name) => Markup().Replace(name.ReplaceLineEndings(" "), @"\$0");

    // An underscore inside a word is no markup.
    [GeneratedRegex(@"[\\|`*<>\[\]&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")]
    private static partial Regex Markup();
}
