using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

public sealed partial class StageOrderTests
{
    /// <summary>A folder may use only folders before it.</summary>
    private static readonly string[] Order =
    [
        "Database", "Auditing", "Statistics", "Safetensors", "Torch", "Queueing", "Access", "Campaigns", "Identifying", "Suppressing", "Importing",
        "FeatureEncoding", "Datasets", "Networks", "Training", "Comparing", "Promoting", "Scoring", "Allocating", "Approving", "Exporting",
        "Outcomes", "Lift", "Scheduling", "Notifying", "Retaining", "Erasing", "Safekeeping", "Operating", "Simulating"
    ];

    [Fact]
    public void Every_folder_of_Core_has_its_place_in_the_order() =>
        SourceFile.Core.Select(file => file.Folder).Where(folder => folder.Length > 0).Distinct().ShouldBeSubsetOf(Order);

    [Fact]
    public void No_folder_of_Core_uses_one_behind_it()
    {
        var backwards =
            from file in SourceFile.Core
            where file.Folder.Length > 0
            from used in UsedFolders(file)
            where Array.IndexOf(Order, used) > Array.IndexOf(Order, file.Folder)
            select $"{file.Path} uses {used}";

        backwards.ShouldBeEmpty();
    }

    [Fact]
    public void The_two_hosts_do_not_know_each_other()
    {
        SourceFile.Product.Where(file => file.Path.StartsWith("Pimm.Web/") && file.Code.Contains("Pimm.Jobs")).ShouldBeEmpty();
        SourceFile.Product.Where(file => file.Path.StartsWith("Pimm.Jobs/") && file.Code.Contains("Pimm.Web")).ShouldBeEmpty();
    }

    [Fact]
    public void The_rule_sees_using_lines_aliases_static_usings_and_qualified_names()
    {
        var file = new SourceFile("Pimm.Core/Database/Sample.cs", """
            using Pimm.Core.Lift;
            using static Pimm.Core.Scoring.Scorers;
            using Row = Pimm.Core.Outcomes.OutcomeRow;
            namespace Pimm.Core.Database;
            // Pimm.Core.Simulating in a comment is no use of it
            class Sample { object a = new Pimm.Core.Exporting.ExportStore(); object b = Core.Training.X; }
            """);

        UsedFolders(file).Order().ShouldBe(["Exporting", "Lift", "Outcomes", "Scoring", "Training"]);
    }

    private static IEnumerable<string> UsedFolders(SourceFile file) =>
        UseOfFolder().Matches(OwnNamespace().Replace(file.Code, "")).Select(match => match.Groups[1].Value).Distinct();

    [GeneratedRegex(@"\bCore\.([A-Z]\w+)")]
    private static partial Regex UseOfFolder();

    [GeneratedRegex(@"^namespace [\w.]+;", RegexOptions.Multiline)]
    private static partial Regex OwnNamespace();
}
