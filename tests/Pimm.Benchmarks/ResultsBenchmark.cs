using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Pimm.Core.Comparing;
using Pimm.Core.Training;

namespace Pimm.Benchmarks;

/// <summary>
/// Makes docs/results.md, its pages and figures: comparisons on the simulated market and on real data, learning curves, an
/// ablation, and the peer benchmarks. A step that is done in FOLDER is not done again, so that a run cut off goes on.
/// What the numbers mean is written by hand in results-remarks.md, a heading a section.
/// </summary>
internal sealed class ResultsBenchmark(string root, string data, string folder)
{
    /// <summary>What gradient-boosting.sh answers where a bound was missed, which the table then says.</summary>
    private const int BoundMissed = 3;

    private const string Everybody = "pimm,aitm,mncm,ple,mmoe,esmm,esm2,tafe,htlnet,shared-bottom";
    private const string Ablation =
        "pimm,pimm:alpha=0:floor=0,pimm:alpha=1:floor=1:step=0,pimm:premise=false,pimm:implicit=false,pimm:premise=false:implicit=false";

    private static readonly string[] Market = ["--tasks", "click,conversion,core_conversion", "--truth", "truth_click,truth_conversion,truth_core"];
    private static readonly int[] CurveRows = [100_000, 300_000, 1_000_000];
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private readonly string _pages = Path.Combine(root, "docs", "results");
    private readonly Dictionary<string, string> _remarks = Remarks(Path.Combine(root, "tests", "Pimm.Benchmarks", "results-remarks.md"));

    private bool _missed;

    public static int Start(string root, string[] arguments)
    {
        var (kept, only, without) = (Path.Combine(root, ".pimm", "results"), "", "");
        for (var place = 1; place + 1 < arguments.Length; place += 2)
        {
            (kept, only, without) = arguments[place] switch
            {
                "--out" => (arguments[place + 1], only, without), "--only" => (kept, arguments[place + 1], without), "--without" => (kept, only, arguments[place + 1]), _ => ("", "", ""),
            };
        }

        if (arguments.Length % 2 == 0 || kept.Length == 0)
        {
            Console.Error.WriteLine("results takes DATA_FOLDER [--out FOLDER] [--only SECTION | --without SECTION]: ./pimm bench results DATA_FOLDER.");
            return 2;
        }

        Directory.CreateDirectory(kept);
        return new ResultsBenchmark(root, Path.GetFullPath(arguments[0]), Path.GetFullPath(kept)).Run(only, without);
    }

    /// <param name="only">a section to prepare without writing the page; empty: all, and the page</param>
    /// <param name="without">a section that the page only names as still to be measured; empty: none</param>
    private int Run(string only, string without)
    {
        if (new[] { only, without }.FirstOrDefault(name => name.Length > 0 && Sections().All(section => section.Name != name)) is { } unknown)
        {
            Console.Error.WriteLine($"There is no section {unknown}; there are {string.Join(", ", Sections().Select(section => section.Name))}.");
            return 2;
        }

        Directory.CreateDirectory(_pages);
        var page = new StringBuilder();
        Line(page, $"# Results");
        Line(page, $"");
        Line(page, $"Made by `./pimm bench results DATA_FOLDER` on {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}; samples/s are of one thread with as many trainings side by side as there are cores, and mean little on another machine. The real data sets stay outside this repository.");
        Line(page, $"");
        foreach (var (name, title, section) in Sections().Where(section => (only.Length == 0 || section.Name == only) && section.Name != without))
        {
            Console.Error.WriteLine(title);
            Line(page, $"## {title}");
            Line(page, $"");
            page.Append(_remarks.GetValueOrDefault(name, ""));
            section(page);
        }

        if (only.Length > 0)
        {
            Console.WriteLine(page);
            return _missed ? 1 : 0;
        }

        foreach (var (_, title, _) in Sections().Where(section => section.Name == without))
        {
            Line(page, $"## Still to be measured");
            Line(page, $"");
            Line(page, $"{title}: `./pimm bench results DATA_FOLDER` adds it to this page.");
        }

        File.WriteAllText(Path.Combine(root, "docs", "results.md"), page.ToString().TrimEnd('\n') + "\n");
        return _missed ? 1 : 0;
    }

    private IEnumerable<(string Name, string Title, Action<StringBuilder> Write)> Sections()
    {
        yield return ("market", "The simulated market, 300,000 rows", page => Compared(page, "market",
            [.. Rows(300_000, fresh: 0), .. Market, "--ignore", "amount,part", "--batch", "2000", "--models", Everybody, "--splits", "10", "--seeds", "1"]));
        yield return ("ablation", "What PIMM's parts are worth on the market, 100,000 rows", page => Compared(page, "ablation",
            [.. Rows(100_000, fresh: 0), .. Market, "--ignore", "amount,part", "--models", Ablation, "--splits", "10", "--seeds", "1"]));
        yield return ("learning-curves", "Learning curves on the market", Curves);
        yield return ("hillstrom", "Hillstrom's e-mail test (real)", page => Compared(page, "hillstrom", Real("hillstrom", "y1_visit,y2_conversion,y3_core", "customer_idx,value_spend")));
        yield return ("ecommerce_funnel", "An e-commerce funnel (probably simulated by its authors)", page => Compared(page, "ecommerce_funnel",
            Real("ecommerce_funnel", "y2_product,y3_payment,y4_confirmation", "user_id,LEAK_total_pages_visited,y1_listing")));
        yield return ("hotel_bookings", "Hotel bookings with their revenue (real)", page => Compared(page, "hotel_bookings",
            [.. Real("hotel_bookings", "y1_kept,y2_high_value", "booking_idx,LEAKY_deposit_type,LEAK_required_car_parking_spaces"), "--amount", "value_revenue", "--batch", "1000"]));
        yield return ("gradient-boosting", "Against gradient boosting, one model a task", GradientBoosting);
        yield return ("lift-coverage", "How far the lift report can be trusted", Coverage);
        yield return ("promotion", "Sixty nights of promotion", Promotion);
        yield return ("faults", "What faults do", Faults);
    }

    private string[] Real(string set, string tasks, string ignored) =>
        ["--data", Path.Combine(data, set, "funnel.csv.gz"), "--tasks", tasks, "--ignore", ignored, "--models", Everybody, "--splits", "10", "--seeds", "1"];

    private string[] Rows(int rows, int fresh)
    {
        var file = Path.Combine(folder, string.Create(Invariant, $"market-{rows}-{fresh}.csv.gz"));
        if (!File.Exists(file))
        {
            Jobs("simulate", "--rows", rows.ToString(Invariant), "--fresh", fresh.ToString(Invariant), "--out", file);
        }

        return ["--data", file];
    }

    private void Compared(StringBuilder page, string name, string[] arguments)
    {
        var result = Compare(name, [.. arguments, "--report", Path.Combine(_pages, name + ".md")]);
        Line(page, $"```");
        page.Append(ComparisonTable.Text(result));
        Line(page, $"```");
        Line(page, $"");
        Line(page, $"![AUC of the last stage by model](results/{name}/auc-{result.Tasks.Count}.svg)");
        Line(page, $"");
        Line(page, $"Probabilities, calibration, gains, every pair's test and all settings: [results/{name}.md](results/{name}.md).");
        Line(page, $"");
    }

    private ComparisonResult Compare(string name, string[] arguments)
    {
        var answer = Path.Combine(folder, name + ".json");
        File.WriteAllText(answer, Jobs(["compare", .. arguments, "--out", Path.Combine(folder, name), "--json"]));
        var result = JsonSerializer.Deserialize<ComparisonResult>(File.ReadAllText(answer), ComparisonResult.Layout)!;
        foreach (var amount in result.Models.Select(model => model.Amount).OfType<AmountResult>())
        {
            Bound("training mean better than the predicted amount, RMSE", -amount.RmseGain!.Lower, 0);
            Bound("training mean better than the predicted amount, MAE", -amount.MaeGain!.Lower, 0);
        }

        return result;
    }

    private void Curves(StringBuilder page)
    {
        var sizes = CurveRows.Select(Curve).ToArray();
        var last = sizes[0].Result.Tasks.Count - 1;
        ModelResult[] models = [.. sizes[0].Result.Models.Where(model => model.EqualTo is null)];
        var ceiling = sizes[0].Result.Ceiling[last].ExpectedAuc!.Value;
        Line(page, $"Expected AUC of {sizes[0].Result.Tasks[last]} on 200,000 fresh customers, against their true probabilities; one training each, nine tenths of the rows. The ceiling is {ceiling:0.0000}. Logistic: scikit-learn's, additive, on the same rows.");
        Line(page, $"");
        Line(page, $"| rows | {string.Join(" | ", models.Select(model => model.Model))} | logistic |");
        Line(page, $"|---|{string.Concat(models.Select(_ => "---|"))}---|");
        foreach (var (rows, result, logistic) in sizes)
        {
            Line(page, $"| {rows:N0} | {string.Join(" | ", models.Select(model => Of(result, model.Model).ToString("0.0000", Invariant)))} | {logistic:0.0000} |");
        }

        var chart = new SvgChart(
            "Learning curves on the simulated market", "Expected AUC of the last stage by rows, with the ceiling of the true probabilities.",
            new ChartAxis("rows", Logarithmic: true), new ChartAxis("expected AUC of the last stage"),
            [
                .. models.Select(model => new ChartSeries(model.Model, SeriesStyle.Line, [.. sizes.Select(size => new ChartPoint(size.Rows, Of(size.Result, model.Model)))])),
                new ChartSeries("logistic", SeriesStyle.Line, [.. sizes.Select(size => new ChartPoint(size.Rows, size.Logistic))], Quiet: true),
                new ChartSeries("ceiling", SeriesStyle.Line, [.. CurveRows.Select(rows => new ChartPoint(rows, ceiling))], Quiet: true),
            ]);
        File.WriteAllText(Path.Combine(_pages, "learning-curves.svg"), chart.ToSvg());
        Line(page, $"");
        Line(page, $"![{chart.Title}](results/learning-curves.svg)");
        Line(page, $"");
        var (_, most, peer) = sizes[^1];
        Bound("PIMM's last task at 1,000,000 rows, below the ceiling", ceiling - Of(most, "pimm"), 0.015);
        Bound("logistic above the lowest network at 1,000,000 rows", peer - models.Min(model => Of(most, model.Model)), 0);

        double Of(ComparisonResult result, string model) => result.Models.Single(one => one.Model == model).Tasks[last].ExpectedAucMean ?? double.NaN;
    }

    private (int Rows, ComparisonResult Result, double Logistic) Curve(int rows)
    {
        var name = string.Create(Invariant, $"curve-{rows}");
        var splits = Path.Combine(folder, name + ".splits");
        var result = Compare(name, [.. Rows(rows, fresh: 200_000), .. Market, "--part", "part", "--ignore", "amount", "--models", Everybody, "--seeds", "1", "--write-splits", splits]);
        var peer = Path.Combine(folder, name + ".logistic.json");
        if (!File.Exists(peer))
        {
            var script = Path.Combine(root, "tests", "Pimm.Benchmarks", "peers", "logistic_regression.py");
            var answer = Answer("/usr/bin/python3", [script, Path.Combine(splits, "01"), "--tasks", result.Tasks[^1], "--truth", Market[3].Split(',')[^1]]);
            File.WriteAllText(peer, answer);
        }

        using var document = JsonDocument.Parse(File.ReadAllText(peer));
        return (rows, result, document.RootElement.GetProperty("tasks")[0].GetProperty("expectedAuc").GetDouble());
    }

    /// <summary>A target of the page: missed ones are said and make the exit code 1.</summary>
    private void Bound(string what, double value, double most)
    {
        _missed |= value > most;
        Console.Error.WriteLine(string.Create(Invariant, $"{(value > most ? "MISSED" : "held  ")}  {what}: {value:0.0000}, at most {most}"));
    }

    private void GradientBoosting(StringBuilder page)
    {
        var answer = Path.Combine(folder, "gradient-boosting.json");
        var script = Path.Combine(root, "tests", "Pimm.Benchmarks", "gradient-boosting.sh");
        File.WriteAllText(answer, Answer("bash", [script, data, "--out", Path.Combine(folder, "gradient-boosting")], BoundMissed));
        using var document = JsonDocument.Parse(File.ReadAllText(answer));
        Line(page, $"| set | task | PIMM | gradient boosting | difference | 95 %, corrected |");
        Line(page, $"|---|---|---|---|---|---|");
        foreach (var row in document.RootElement.GetProperty("results").EnumerateArray())
        {
            double Number(string name) => row.GetProperty(name).GetDouble();
            if (row.GetProperty("last").GetBoolean())
            {
                Bound($"gradient boosting above PIMM on {row.GetProperty("task")} of {row.GetProperty("set")}, upper bound", -Number("lower"), 0.01);
            }

            Line(page, $"| {row.GetProperty("set")} | {row.GetProperty("task")} | {Number("auc"):0.0000} | {Number("peer"):0.0000} | {Number("difference"):+0.0000;−0.0000;0.0000} | {Number("lower"):+0.0000;−0.0000;0.0000} to {Number("upper"):+0.0000;−0.0000;0.0000} |");
        }

        Line(page, $"");
    }

    private void Coverage(StringBuilder page)
    {
        var answer = Path.Combine(folder, "lift-coverage.json");
        if (!File.Exists(answer))
        {
            File.WriteAllText(answer, LiftCoverageBenchmark.ToJson(LiftCoverage.Measure(new CoverageSettings(), Console.Error.WriteLine)));
        }

        var measured = LiftCoverageBenchmark.FromJson(File.ReadAllText(answer));
        _missed |= !LiftCoverageBenchmark.Report(measured);
        page.Append(LiftCoverageBenchmark.Markdown(measured));
    }

    private void Promotion(StringBuilder page)
    {
        var answer = Path.Combine(folder, "promotion.json");
        if (!File.Exists(answer))
        {
            File.WriteAllText(answer, PromotionBenchmark.ToJson(PromotionBenchmark.Measure(60, 400, Console.Error.WriteLine)));
        }

        var measured = PromotionBenchmark.FromJson(File.ReadAllText(answer));
        _missed |= !PromotionBenchmark.Report(measured);
        page.Append(PromotionBenchmark.Markdown(measured)).Append('\n');
    }

    private void Faults(StringBuilder page)
    {
        var answer = Path.Combine(folder, "faults.json");
        if (!File.Exists(answer))
        {
            File.WriteAllText(answer, JsonSerializer.Serialize(FaultsBenchmark.Measure()));
        }

        var measured = JsonSerializer.Deserialize<MeasuredFault[]>(File.ReadAllText(answer))!;
        _missed |= measured.Any(fault => !fault.Held);
        Line(page, $"{FaultsBenchmark.Markdown(measured)}");
    }

    private static string Jobs(params string[] arguments) => Answer(Path.Combine(AppContext.BaseDirectory, "Pimm.Jobs"), arguments);

    private static string Answer(string program, string[] arguments, int alsoGood = 0)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 || process.ExitCode == alsoGood
            ? answer
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with exit code {process.ExitCode}.");
    }

    /// <summary>Text under a line "# name" belongs to the section of that name.</summary>
    private static Dictionary<string, string> Remarks(string path) => File.ReadAllText(path)
        .Split("\n# ", StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.TrimStart('#', ' ').Split('\n', 2))
        .ToDictionary(part => part[0].Trim(), part => part[1].Trim('\n') + "\n\n");

    private static void Line(StringBuilder page, FormattableString text) => page.Append(text.ToString(Invariant)).Append('\n');
}
