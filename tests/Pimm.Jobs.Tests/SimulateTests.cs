using System.Text.Json;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>`simulate`, and `train` on what it wrote, in this process.</summary>
public sealed class SimulateTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-simulate-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Writes_a_file_that_train_takes_with_its_parts_and_truth()
    {
        var market = Path.Combine(folder, "market.csv.gz");

        var (exitCode, output, error) = await Run("simulate", "--out", market, "--rows", "6000", "--fresh", "3000", "--json");

        exitCode.ShouldBe(ExitCode.Done, error);
        var document = JsonDocument.Parse(output).RootElement;
        document.EnumerateObject().Select(property => property.Name)
            .ShouldBe(["out", "world", "seed", "rows", "fresh", "tasks", "seconds", "rowsPerSecond", "bytes"]);
        document.GetProperty("tasks")[2].GetProperty("trueRate").GetDouble().ShouldBe(0.0031, 0.0005);
        document.GetProperty("bytes").GetInt64().ShouldBe(new FileInfo(market).Length);

        (exitCode, output, error) = await Run(
            "train", "--data", market, "--tasks", "click,conversion", "--part", "part", "--truth", "truth_click,truth_conversion",
            "--ignore", "amount,core_conversion,truth_core", "--model", "shared-bottom", "--epochs", "1", "--threads", "1", "--out", Path.Combine(folder, "model"), "--json");

        exitCode.ShouldBe(ExitCode.Done, error);
        JsonDocument.Parse(output).RootElement.GetProperty("rows").GetProperty("test").GetInt64().ShouldBe(3000);
    }

    [Theory]
    [InlineData("Say where to write: --out FILE.csv, or FILE.csv.gz for a packed one.", "--rows", "1000")]
    [InlineData("Say with --rows how many impressions to simulate, 1,000 to 100,000,000.", "--out", "market.csv")]
    public async Task Asks_for_what_is_missing(string sentence, params string[] arguments)
    {
        var (exitCode, output, error) = await Run(["simulate", .. arguments]);

        exitCode.ShouldBe(ExitCode.WrongInput);
        output.ShouldBe("");
        error.TrimEnd().ShouldBe(sentence);
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLineHost.RunAsync(arguments, [SimulateCommand.Create(), TrainCommand.Create()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
