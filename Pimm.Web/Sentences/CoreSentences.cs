using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Localization;
using Pimm.Core.Lift;

namespace Pimm.Web.Sentences;

/// <summary>
/// Says in the reader's language what a lift report says in English: the sentence is found by its words, and what stands in its places
/// is said anew. What is not known is left in English.
/// </summary>
public sealed partial class CoreSentences(IStringLocalizer<SentencesWords> words)
{
    // Those that say more by themselves first: "No data: {0}" would fit many.
    private static readonly IReadOnlyList<(string Sentence, Regex Form)> Forms =
    [
        .. Known.OrderByDescending(sentence => Place().Replace(sentence, "").Length).Select(sentence => (sentence, FormOf(sentence))),
    ];

    /// <summary>Every sentence that can be said.</summary>
    public static IEnumerable<string> Known =>
        LiftSentences.All.Concat(LiftSentences.Checks).Concat(LiftNumbers.Words.Values.SelectMany(number => (string[])[number.Name, number.Shows, number.CannotShow])).Distinct();

    public string this[string english] => Find(english) ?? english;

    /// <summary>Without a form that fits, a list: "exported and delivered, wave 3".</summary>
    private string? Find(string english)
    {
        foreach (var (sentence, form) in Forms)
        {
            if (form.Match(english) is { Success: true } found && words[sentence] is { ResourceNotFound: false } said)
            {
                return string.Format(CultureInfo.InvariantCulture, said.Value, [.. found.Groups.Values.Skip(1).Select(group => this[group.Value])]);
            }
        }
        var parts = english.Split(", ");
        return parts.Length > 1 && Find(parts[0]) is { } first ? string.Join("、", parts.Skip(1).Select(part => this[part]).Prepend(first)) : null;
    }

    // A number or a time has no words.
    private static Regex FormOf(string sentence) =>
        new($"^{Place().Replace(Regex.Escape(sentence).Replace("\\{", "{", StringComparison.Ordinal), place => place.Value.Contains(':', StringComparison.Ordinal) ? @"(\S+(?: \d\d:\d\d)?)" : "(.+?)")}$", RegexOptions.Singleline | RegexOptions.CultureInvariant);

    [GeneratedRegex(@"\{\d+[^}]*\}")]
    private static partial Regex Place();
}
