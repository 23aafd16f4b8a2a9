using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>docs/statistics.md shows what `pimm stats` prints.</summary>
public sealed partial class StatisticsDocumentTests
{
    [Fact]
    public async Task Every_output_in_the_document_is_what_the_command_prints()
    {
        var text = await File.ReadAllTextAsync(Document(), TestContext.Current.CancellationToken);
        var examples = Example().Matches(text.ReplaceLineEndings("\n"));

        examples.Count.ShouldBe(Regex.Count(text, @"\| \./pimm stats "));
        examples.Count.ShouldBeGreaterThan(10);
        foreach (Match example in examples)
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            await CommandLineHost.RunAsync(["stats", example.Groups["name"].Value], [StatsCommand.Create(new StringReader(example.Groups["input"].Value))], output, error);
            error.ToString().ShouldBeEmpty(example.Value);
            ShouldAgree(JsonDocument.Parse(output.ToString()).RootElement, JsonDocument.Parse(example.Groups["output"].Value).RootElement, example.Value);
        }
    }

    private static void ShouldAgree(JsonElement printed, JsonElement written, string example)
    {
        printed.ValueKind.ShouldBe(written.ValueKind, example);
        if (printed.ValueKind == JsonValueKind.Object)
        {
            printed.EnumerateObject().Select(field => field.Name).ShouldBe(written.EnumerateObject().Select(field => field.Name), example);
            foreach (var field in printed.EnumerateObject())
                ShouldAgree(field.Value, written.GetProperty(field.Name), example);
        }
        else if (printed.ValueKind == JsonValueKind.Array)
        {
            printed.GetArrayLength().ShouldBe(written.GetArrayLength(), example);
            foreach (var (one, other) in printed.EnumerateArray().Zip(written.EnumerateArray()))
                ShouldAgree(one, other, example);
        }
        else if (printed.ValueKind == JsonValueKind.Number)
            // Another machine's logarithm may round another way.
            printed.GetDouble().ShouldBe(written.GetDouble(), 1e-9 * Math.Max(1, Math.Abs(written.GetDouble())), example);
        else
            printed.ToString().ShouldBe(written.ToString(), example);
    }

    private static string Document([CallerFilePath] string test = "") => Path.Combine(Path.GetDirectoryName(test)!, "../../docs/statistics.md");

    [GeneratedRegex(@"^    \$ echo '(?<input>[^']+)' \| \./pimm stats (?<name>\S+)\n(?<output>    \{\n(?:    .*\n)*?    \}\n)", RegexOptions.Multiline)]
    private static partial Regex Example();
}
