using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

public sealed partial class LinksTests
{
    private static readonly IReadOnlyList<(string Path, string Text)> Sources =
    [
        .. Directory.EnumerateFiles(Path.Combine(SourceFile.Root, "Pimm.Web"), "*.razor", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(SourceFile.Root, path)).Where(path => !path.Split('/').Contains("obj")).Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllText(Path.Combine(SourceFile.Root, path)))),
        .. SourceFile.Product.Where(file => file.Path.StartsWith("Pimm.Web/", StringComparison.Ordinal)).Select(file => (file.Path, file.Text)),
    ];

    /// <summary>A link that leads nowhere is found by nobody's test until somebody clicks it.</summary>
    [Fact]
    public void Every_address_that_a_page_links_to_is_a_page_or_an_endpoint()
    {
        var routes = Sources.SelectMany(source => Route().Matches(source.Text)).Select(match => Pattern(match.Groups[1].Value)).ToList();
        var links = Sources.Where(source => source.Path.EndsWith(".razor", StringComparison.Ordinal))
            .SelectMany(source => Link().Matches(source.Text).Select(match => (source.Path, Address: Value().Replace(match.Groups[1].Value, "1")))).ToList();

        links.Count.ShouldBeGreaterThan(50);
        links.Where(link => !routes.Any(route => route.IsMatch(link.Address))).Select(link => $"{link.Path} → {link.Address}").ShouldBeEmpty();
    }

    private static Regex Pattern(string route) => new($"^{Parameter().Replace(route, match => match.Value.EndsWith(":long}", StringComparison.Ordinal) ? "\\d+" : "[^/]+")}/?$");

    [GeneratedRegex(@"(?:@page\s|Map(?:Get|Post|Put|Delete)\()\s*""(/[^""]*)""")]
    private static partial Regex Route();

    [GeneratedRegex(@"(?:[hH]ref=""|\$"")(/[a-z][^""?#]*)")]
    private static partial Regex Link();

    // What a page fills in: @(…), @name.of.it, {…}.
    [GeneratedRegex(@"@\([^)]*\)|@[\w.!]+|\{[^}]*\}")]
    private static partial Regex Value();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
