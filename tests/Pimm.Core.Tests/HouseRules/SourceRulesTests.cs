using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

public sealed partial class SourceRulesTests
{
    private const int LongFile = 250;
    private const int TooLongFile = 300;

    [Fact]
    public void Core_reads_no_wall_clock_and_draws_no_unseeded_number()
    {
        // Passwords, keys and nonces must not be foreseeable: chance from the system belongs to Access and Identifying alone.
        var offences = Offences(SourceFile.Core.Where(file => file.Folder is not ("Access" or "Identifying")), ClockOrChance());

        offences.ShouldBeEmpty("Take a TimeProvider, or a seed through Statistics/RandomStream.");
    }

    [Fact]
    public void No_type_is_a_drawer() =>
        // The names in Torch are TorchSharp's, DisposeScopeManager among them.
        Offences(SourceFile.Product.Where(file => file.Folder != "Torch"), Drawer()).ShouldBeEmpty("A thing has a place or is not understood yet: name the type by its role.");

    [Fact]
    public void No_file_is_a_drawer() =>
        SourceFile.Product.Where(file => DrawerFile().IsMatch(file.Path)).Select(file => file.Path).ShouldBeEmpty();

    [Fact]
    public void Every_interface_has_at_least_two_implementations()
    {
        var bases = SourceFile.Product.SelectMany(file => BaseList().Matches(file.Code)).Select(match => match.Groups[1].Value).ToList();
        var lonely =
            from file in SourceFile.Product
            from Match declared in Interface().Matches(file.Code)
            let name = declared.Groups[1].Value
            where bases.Count(list => Regex.IsMatch(list, $@"\b{name}\b")) < 2
            select $"{file.Path}: {name}";

        lonely.ShouldBeEmpty("Use the class itself until a second implementation exists.");
    }

    [Fact]
    public void Options_say_meaning_and_default_of_every_setting()
    {
        var silent =
            from file in SourceFile.Core
            where file.Path.EndsWith("Options.cs", StringComparison.Ordinal)
            from Match property in Setting().Matches(file.Text)
            where !property.Groups[1].Value.Contains("default", StringComparison.OrdinalIgnoreCase)
            select $"{file.Path}:{file.LineOf(property.Index)}";

        silent.ShouldBeEmpty("Write /// above it: what it means, its default, its range and unit.");
    }

    [Fact]
    public void Namespaces_follow_the_folders()
    {
        var strays =
            from file in SourceFile.Core
            where file.Folder is not ("" or "Torch")
            where !file.Text.Contains($"namespace Pimm.Core.{file.Folder};", StringComparison.Ordinal)
            select file.Path;

        strays.ShouldBeEmpty();
    }

    [Fact]
    public void No_file_is_too_long()
    {
        foreach (var file in SourceFile.Product.Where(file => file.Lines > LongFile).OrderByDescending(file => file.Lines))
            TestContext.Current.TestOutputHelper?.WriteLine($"{file.Lines} lines: {file.Path}");

        SourceFile.Product.Where(file => file.Lines > TooLongFile).Select(file => $"{file.Path}: {file.Lines} lines").ShouldBeEmpty("Split the idea, not the file.");
    }

    [Fact]
    public void Quartz_is_known_in_one_folder()
    {
        var scheduling = SourceFile.Product.Where(file => file.Path.StartsWith("Pimm.Jobs/Scheduling/", StringComparison.Ordinal)).ToList();

        Offences(scheduling, Quartz()).ShouldNotBeEmpty();
        Offences(SourceFile.Product.Except(scheduling), Quartz()).ShouldBeEmpty("Another scheduler is one folder: give it a type there.");
    }

    private static IEnumerable<string> Offences(IEnumerable<SourceFile> files, Regex rule) =>
        from file in files
        from Match match in rule.Matches(file.Code)
        select $"{file.Path}: {match.Value}";

    [GeneratedRegex(@"\bDateTime(?:Offset)?\.(?:Now|UtcNow|Today)\b|\bEnvironment\.TickCount\w*|\bnew Random\b|\bRandom\.Shared\b|\bGuid\.(?:NewGuid|CreateVersion7)\b|\bRandomNumberGenerator\b")]
    private static partial Regex ClockOrChance();

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum)\s+\w*(?:Helpers?|Utils?|Utility|Managers?|Common|Extensions?)\b")]
    private static partial Regex Drawer();

    [GeneratedRegex(@"(?:Helpers?|Utils?|Utility|Managers?|Common|Extensions?)(?:\.cs|/)")]
    private static partial Regex DrawerFile();

    [GeneratedRegex(@"\binterface\s+(I[A-Z]\w*)")]
    private static partial Regex Interface();

    [GeneratedRegex(@"\b(?:class|record|struct)\s+\w+(?:<[^>]*>)?(?:\s*\((?:[^()]|\([^()]*\))*\))?\s*:([^{;]*)")]
    private static partial Regex BaseList();

    // A required setting has no default, and nested options say their own.
    [GeneratedRegex(@"((?:^[ \t]*///[^\n]*\n)*)(?:^[ \t]*\[[^\n]*\n)*^[ \t]*public (?!required )(?!\w+Options )[^\n({]+\{ get; (?:set|init);", RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"\bQuartz\b")]
    private static partial Regex Quartz();
}
