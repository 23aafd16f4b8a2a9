using System.Text.Json;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>`compare` as a process with its children, killed for real.</summary>
public sealed class CompareFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-compare-test-").FullName;

    public CompareFileTests() => File.WriteAllText(At("funnel.csv"), FunnelFile.Text(4000));

    [Fact]
    public async Task Prints_one_JSON_document_with_the_promised_fields_and_writes_a_page_with_its_figures()
    {
        var (exitCode, output, error) = await PimmProcess.RunAsync(null, Arguments("--models", "pimm,aitm,esmm,esm2", "--seeds", "2", "--json", "--report", At("page.md")));

        exitCode.ShouldBe(ExitCode.Done, error);
        var document = JsonDocument.Parse(output).RootElement;
        var model = document.GetProperty("models")[0];
        foreach (var name in (string[])["model", "tasks", "parameters", "samplesPerSecond", "learningRate"])
        {
            model.TryGetProperty(name, out _).ShouldBeTrue(name);
        }

        var task = model.GetProperty("tasks")[1];
        task.GetProperty("auc").EnumerateArray().Average(auc => auc.GetDouble()).ShouldBe(task.GetProperty("aucMean").GetDouble(), 1e-12);
        foreach (var name in (string[])["name", "aucStd", "logLossMean", "calibrationMean"])
        {
            task.TryGetProperty(name, out _).ShouldBeTrue(name);
        }

        document.GetProperty("best").EnumerateObject().Select(best => best.Name).ShouldBe(["click", "buy"]);
        document.GetProperty("models")[3].GetProperty("equalTo").GetString().ShouldBe("esmm");
        var pairs = document.GetProperty("significance").EnumerateArray().ToArray();
        pairs.ShouldAllBe(pair => pair.GetProperty("model").GetString() == "pimm" && pair.GetProperty("against").GetString() != "esm2");
        error.ShouldContain("[6/6]");
        var page = File.ReadAllText(At("page.md"));
        page.ShouldContain("esm2 is esmm on a pure chain of stages");
        Directory.GetFiles(At("page"), "*.svg").Select(Path.GetFileName).ShouldAllBe(figure => page.Contains($"(page/{figure})"));
    }

    [Fact]
    public async Task Sweeps_rates_predicts_amounts_and_knows_the_ceiling_of_a_simulated_market()
    {
        (await PimmProcess.RunAsync(null, "simulate", "--rows", "3000", "--fresh", "2000", "--out", At("market.csv.gz"))).ExitCode.ShouldBe(ExitCode.Done);

        var (exitCode, output, error) = await PimmProcess.RunAsync(
            null, "compare", "--data", At("market.csv.gz"), "--tasks", "click,conversion", "--truth", "truth_click,truth_conversion", "--amount", "amount",
            "--ignore", "core_conversion,truth_core", "--part", "part", "--models", "pimm,htlnet", "--seeds", "1", "--epochs", "3", "--sweep-lr", "--out", At("out"), "--json");

        exitCode.ShouldBe(ExitCode.Done, error);
        var document = JsonDocument.Parse(output).RootElement;
        document.GetProperty("rows").GetProperty("test").GetInt32().ShouldBe(2000);
        var ceiling = document.GetProperty("ceiling").EnumerateArray().Select(task => task.GetProperty("expectedAuc").GetDouble()).ToArray();
        var models = document.GetProperty("models").EnumerateArray().ToArray();
        models.ShouldAllBe(model => model.GetProperty("rates").EnumerateObject().Count() == 4 && model.GetProperty("tasks")[0].GetProperty("expectedAucMean").GetDouble() < ceiling[0]);
        models[0].GetProperty("amount").ValueKind.ShouldBe(JsonValueKind.Null);
        models[1].GetProperty("amount").GetProperty("rmseOfMean").GetDouble().ShouldBeGreaterThan(0);
        error.ShouldContain("rate 0.0005  validation ");
    }

    [Fact]
    public async Task A_killed_comparison_goes_on_where_it_was_and_leaves_no_child_behind()
    {
        string[] arguments = Arguments("--models", "pimm,mmoe", "--splits", "3", "--seeds", "2", "--epochs", "6", "--threads", "1");
        string[] before;
        await using (var first = PimmProcess.Start(null, arguments))
        {
            await Eventually(() => Results().Length >= 2);
            first.Signal("KILL");
            await first.ExitedAsync();
            await Eventually(() => Children() == 0);
            before = Results();
        }

        var written = before.ToDictionary(path => path, File.GetLastWriteTimeUtc);
        before.Length.ShouldBeInRange(2, 11);
        var (exitCode, output, error) = await PimmProcess.RunAsync(null, arguments);

        exitCode.ShouldBe(ExitCode.Done, error);
        error.ShouldContain($"{before.Length} trainings are there already");
        Results().Length.ShouldBe(12);
        written.ShouldAllBe(result => File.GetLastWriteTimeUtc(result.Key) == result.Value);
        output.ShouldContain("AUC buy");
    }

    [Theory]
    [InlineData("There is no file nowhere.csv", "--data", "nowhere.csv")]
    [InlineData("There is no model 'mlp'; there are aitm, ", "--models", "pimm,mlp")]
    [InlineData("--models names 1 model; a comparison needs at least two", "--models", "pimm")]
    [InlineData("--report page.txt must end in .md", "--report", "page.txt")]
    [InlineData("--splits is 0; it must be 1 to 100.", "--splits", "0")]
    [InlineData("--seeds is 1000; it must be 1 to 100.", "--seeds", "1000")]
    [InlineData("'wide' is unknown to the model 'mmoe'", "--models", "pimm,mmoe:wide=3")]
    public async Task Refuses_what_it_cannot_use_with_one_sentence_and_writes_nothing(string sentence, params string[] more)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] usual = more[0] == "--data" ? [] : ["--data", At("funnel.csv")];

        var exitCode = await CommandLineHost.RunAsync(["compare", "--tasks", "click,buy", "--out", At("out"), .. usual, .. more], [CompareCommand.Create()], output, error);

        exitCode.ShouldBe(ExitCode.WrongInput);
        error.ToString().ShouldContain(sentence);
        error.ToString().TrimEnd().Split('\n').Length.ShouldBe(1);
        Directory.Exists(At("out")).ShouldBeFalse();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string[] Arguments(params string[] more) =>
    [
        "compare", "--data", At("funnel.csv"), "--tasks", "click,buy", "--out", At("out"), "--batch", "200",
        .. more.Contains("--epochs") ? Array.Empty<string>() : ["--epochs", "2"], .. more,
    ];

    private string[] Results() => Directory.Exists(At("out/cells")) ? Directory.GetFiles(At("out/cells"), "*.json") : [];

    /// <summary>Processes that were told this test's folder.</summary>
    private int Children() => Directory.GetDirectories("/proc").Count(process =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).Contains(At("out/cells"));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    private static async Task Eventually(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            await Task.Delay(50, limit.Token);
        }
    }

    private string At(string name) => Path.Combine(folder, name);
}
