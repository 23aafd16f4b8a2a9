using System.Text.RegularExpressions;
using System.Xml.Linq;
using Pimm.Core.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

/// <summary>The English text of a page is the key of the Chinese one: none is missing, none is left over, both have the same places.</summary>
public sealed partial class WordsTests
{
    public static TheoryData<string> Folders => [.. Directory.GetFiles(Path.Combine(SourceFile.Root, "Pimm.Web"), "*Words.cs", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(SourceFile.Root, file))];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_text_of_a_page_is_there_in_chinese(string words)
    {
        var file = Path.Combine(SourceFile.Root, words);
        var chinese = XDocument.Load(Path.ChangeExtension(file, ".zh-CN.resx")).Root!.Elements("data")
            .ToDictionary(data => data.Attribute("name")!.Value, data => data.Element("value")!.Value, StringComparer.Ordinal);
        var sources = string.Join('\n', Directory.GetFiles(Path.GetDirectoryName(file)!).Where(path => path.EndsWith(".razor", StringComparison.Ordinal) || path.EndsWith(".cs", StringComparison.Ordinal)).Select(File.ReadAllText));
        var asked = Asked().Matches(sources).Select(match => Plain(match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);
        if (Path.GetFileName(file) == "SentencesWords.cs")
        {
            // Those of Core that a page says.
            asked.UnionWith([.. LiftSentences.All, .. LiftSentences.Checks, .. LiftNumbers.Words.Values.SelectMany(number => (string[])[number.Name, number.Shows, number.CannotShow])]);
        }
        var written = Written().Matches(sources).Select(match => Plain(match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);

        chinese.ShouldNotBeEmpty();
        chinese.Keys.GroupBy(key => key, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1).Select(same => same.Key).ShouldBeEmpty("resources know no upper and lower case");
        asked.Except(chinese.Keys).ShouldBeEmpty("these have no Chinese text");
        chinese.Keys.Except(asked).Except(written).ShouldBeEmpty("these are not asked for any more");
        chinese.Where(pair => !Places(pair.Key).SetEquals(Places(pair.Value))).Select(pair => pair.Key).ShouldBeEmpty("these have other places in Chinese");
    }

    private static HashSet<string> Places(string text) => [.. Place().Matches(text).Select(match => match.Groups[1].Value)];

    private static string Plain(string literal) => literal.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    [GeneratedRegex("""\bL\["((?:[^"\\]|\\.)*)"[\],]""")]
    private static partial Regex Asked();

    [GeneratedRegex("\"((?:[^\"\\\\\\n]|\\\\.)*)\"")]
    private static partial Regex Written();

    [GeneratedRegex(@"\{(\d+)[^}]*\}")]
    private static partial Regex Place();
}
