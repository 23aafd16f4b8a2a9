using System.Text.RegularExpressions;

namespace Pimm.Core.Tests.HouseRules;

/// <summary>One hand-written .cs file of the product.</summary>
/// <param name="Path">from the root, with forward slashes</param>
public sealed partial record SourceFile(string Path, string Text)
{
    public static string Root { get; } = FindRoot();

    /// <summary>Pimm.Core, Pimm.Web, Pimm.Jobs.</summary>
    public static IReadOnlyList<SourceFile> Product { get; } = [.. Read("Pimm.Core"), .. Read("Pimm.Web"), .. Read("Pimm.Jobs")];

    public static IReadOnlyList<SourceFile> Core { get; } = Read("Pimm.Core");

    public int Lines => Text.AsSpan().Count('\n');

    /// <summary>The stage or foundation a file of Core belongs to; empty for the loose files at its root.</summary>
    public string Folder => Path.Split('/') is [_, var folder, _, ..] ? folder : "";

    /// <summary>Without comments and without the text of strings, so that words in them break no rule.</summary>
    public string Code => StringsAndComments().Replace(Text, match => match.Value.StartsWith('/') ? "" : "\"\"");

    public int LineOf(int index) => Text.AsSpan(0, index).Count('\n') + 1;

    private static List<SourceFile> Read(string project) =>
    [
        .. Directory.EnumerateFiles(System.IO.Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories)
            .Select(path => new SourceFile(System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path)))
            .Where(file => !file.Path.Contains("/obj/") && !file.Path.Contains("/bin/"))
            .OrderBy(file => file.Path, StringComparer.Ordinal)
    ];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Pimm.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside a clone: Pimm.sln was not found above them.");
    }

    [GeneratedRegex("""
        //[^\n]*|/\*.*?\*/|\$*""\"(?s:.*?)""\"|@"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\])'
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex StringsAndComments();
}
