using System.Globalization;
using System.Text.Json;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>`train` and `score` straight on a file, in this process.</summary>
public sealed class TrainFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-train-test-").FullName;

    [Fact]
    public async Task Trains_and_prints_one_JSON_document_with_the_promised_fields_and_nothing_else()
    {
        var (exitCode, output, error) = await Train("--json", "--report", At("card.md"));

        exitCode.ShouldBe(ExitCode.Done, error);
        var document = JsonDocument.Parse(output).RootElement;
        Names(document).ShouldBe(["model", "seed", "rows", "tasks", "amount", "epochs", "bestEpoch", "seconds", "samplesPerSecond", "device", "threads", "artifact"]);
        Names(document.GetProperty("rows")).ShouldBe(["train", "validation", "test", "calibration"]);
        Names(document.GetProperty("tasks")[0]).ShouldBe(
            ["name", "positives", "auc", "logLoss", "calibration", "ece", "conditionalAuc", "captureAtDecile", "liftAtDecile", "calibratedLogLoss", "calibratedEce", "calibratedCalibration"]);
        document.GetProperty("tasks").GetArrayLength().ShouldBe(2);
        document.GetProperty("artifact").GetString().ShouldBe(At("model"));
        error.ShouldContain("epoch   1");
        File.ReadAllText(At("card.md")).ShouldContain("| click |");
    }

    [Fact]
    public async Task Scores_every_row_of_a_file_with_the_folder_it_trained()
    {
        await Train();

        var (exitCode, output, error) = await Run("score", "--model", At("model"), "--data", At("funnel.csv"), "--out", At("scores.csv"), "--json", "--threads", "1");

        exitCode.ShouldBe(ExitCode.Done, error);
        var lines = File.ReadAllLines(At("scores.csv"));
        lines[0].ShouldBe("row,click,buy");
        lines.Length.ShouldBe(1201);
        lines[1200].Split(',').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ShouldBe(
            [1200, .. lines[1200].Split(',')[1..].Select(text => Math.Clamp(double.Parse(text, CultureInfo.InvariantCulture), 0, 1))]);
        var means = JsonDocument.Parse(output).RootElement.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("mean").GetDouble()).ToArray();
        // The file has each probability as the shortest text that is the same float; the mean is of the floats.
        means[0].ShouldBe(lines[1..].Average(line => double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture)), 1e-7);
    }

    [Fact]
    public async Task Calibrates_where_a_calibrator_was_fitted_and_says_which_task_has_none()
    {
        await Train(rows: 3600);
        await Run("score", "--model", At("model"), "--data", At("funnel.csv"), "--out", At("plain.csv"), "--threads", "1");

        var (exitCode, _, error) = await Run("score", "--model", At("model"), "--data", At("funnel.csv"), "--out", At("scores.csv"), "--threads", "1", "--calibrated");

        exitCode.ShouldBe(ExitCode.Done, error);
        error.ShouldContain("buy keeps the network's own probabilities: not fitted: ");
        var (plain, calibrated) = (Column(At("plain.csv"), 1), Column(At("scores.csv"), 1));
        var order = Enumerable.Range(0, plain.Length).OrderBy(row => plain[row]).ToArray();
        order.Select(row => calibrated[row]).ShouldBeInOrder();
        calibrated.ShouldNotBe(plain);
        Column(At("scores.csv"), 2).ShouldBe(Column(At("plain.csv"), 2));
    }

    [Fact]
    public async Task Refuses_to_calibrate_where_none_was_fitted_and_writes_nothing()
    {
        await Train();

        var (exitCode, _, error) = await Run("score", "--model", At("model"), "--data", At("funnel.csv"), "--out", At("scores.csv"), "--calibrated");

        exitCode.ShouldBe(ExitCode.WrongInput);
        error.ShouldMatch(@"^The model has no calibrator \(click not fitted: \d+ positives, 50 needed; buy not fitted: \d+ positives, 50 needed\); score without --calibrated, or train on more rows\.\n$");
        File.Exists(At("scores.csv")).ShouldBeFalse();
    }

    [Fact]
    public async Task Scores_an_amount_beside_the_stages()
    {
        (await Run("simulate", "--rows", "2000", "--out", At("market.csv"))).ExitCode.ShouldBe(ExitCode.Done);
        var trained = await Run(
            "train", "--data", At("market.csv"), "--tasks", "click", "--amount", "amount", "--ignore", "part,conversion,core_conversion,truth_click,truth_conversion,truth_core",
            "--model", "htlnet", "--epochs", "2", "--threads", "1", "--out", At("model"));
        trained.ExitCode.ShouldBe(ExitCode.Done, trained.Error);

        var (exitCode, _, error) = await Run("score", "--model", At("model"), "--data", At("market.csv"), "--out", At("scores.csv"), "--threads", "1");

        exitCode.ShouldBe(ExitCode.Done, error);
        var lines = File.ReadAllLines(At("scores.csv"));
        lines[0].ShouldBe("row,click,amount");
        lines[1..].ShouldAllBe(line => double.Parse(line.Split(',')[2], CultureInfo.InvariantCulture) >= 0);
    }

    [Theory]
    [InlineData("There is no model 'pimmm'; there are aitm, esm2, esmm, htlnet, mmoe, mncm, pimm, ple, shared-bottom, tafe.", "--model", "pimmm")]
    [InlineData("--set embedding is no key=value or names a key twice; write it as --set embedding=8.", "--set", "embedding")]
    [InlineData("The setting 'width' is unknown to the model 'pimm'", "--set", "width=8")]
    [InlineData("The learning rate 0 is out of bounds; it must be above 0 and at most 1.", "--lr", "0")]
    [InlineData("--order sort is unknown; choose reject, cascade-up or cascade-down.", "--order", "sort")]
    [InlineData("--delimiter ';;' is not one character", "--delimiter", ";;")]
    [InlineData("There is no device 'tpu'; choose cpu or cuda:0.", "--device", "tpu")]
    public async Task Refuses_what_it_cannot_use_with_one_sentence_and_writes_nothing(string sentence, params string[] more)
    {
        var (exitCode, output, error) = await Train(more);

        exitCode.ShouldBe(ExitCode.WrongInput);
        output.ShouldBe("");
        error.ShouldContain(sentence);
        error.TrimEnd().Split('\n').Length.ShouldBe(1);
        Directory.Exists(At("model")).ShouldBeFalse();
    }

    [Fact]
    public async Task Writes_a_page_with_its_JSON_and_charts_and_the_slices_asked_for()
    {
        var (exitCode, _, error) = await Train("--report", At("card.md"), "--slice", "day");

        exitCode.ShouldBe(ExitCode.Done, error);
        var page = File.ReadAllText(At("card.md"));
        page.ShouldContain("| day | d6 | ");
        page.ShouldNotContain("| shop | s0 | ");
        page.ShouldContain("](card-calibration-2.svg)");
        File.ReadAllText(At("card-calibration-2.svg")).ShouldContain("Calibration of buy on the test rows");
        JsonDocument.Parse(File.ReadAllText(At("card.json"))).RootElement.GetProperty("trainedOn").GetString().ShouldBe("funnel.csv");
    }

    [Theory]
    [InlineData("--slice city is no feature of the model; there are shop, day.", "--slice", "city")]
    [InlineData("card.json must end in .md", "--report", "card.json")]
    public async Task Refuses_a_page_it_could_not_write_before_it_trains(string sentence, params string[] more)
    {
        var (exitCode, _, error) = await Train(more);

        exitCode.ShouldBe(ExitCode.WrongInput);
        error.ShouldContain(sentence);
        error.ShouldNotContain("epoch   1");
    }

    [Fact]
    public async Task Refuses_a_folder_of_something_else_before_it_reads_the_data()
    {
        Directory.CreateDirectory(At("model"));
        File.WriteAllText(Path.Combine(At("model"), "notes.txt"), "mine");

        var (exitCode, _, error) = await Train();

        exitCode.ShouldBe(ExitCode.WrongInput);
        error.ShouldContain("holds something else than a trained model; choose another --out, nothing was overwritten.");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static double[] Column(string path, int column) =>
        [.. File.ReadLines(path).Skip(1).Select(line => double.Parse(line.Split(',')[column], CultureInfo.InvariantCulture))];

    private Task<(int ExitCode, string Output, string Error)> Train(params string[] more) => Train(1200, more);

    private Task<(int ExitCode, string Output, string Error)> Train(int rows, params string[] more)
    {
        File.WriteAllText(At("funnel.csv"), FunnelFile.Text(rows));
        return Run(
        [
            "train", "--data", At("funnel.csv"), "--tasks", "click,buy", "--out", At("model"), "--threads", "1", "--epochs", "2", "--batch", "200", .. more,
        ]);
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLineHost.RunAsync(arguments, [TrainCommand.Create(), ScoreCommand.Create(), SimulateCommand.Create()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];

    private string At(string name) => Path.Combine(folder, name);
}
