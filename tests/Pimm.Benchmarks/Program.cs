using System.Diagnostics;
using Pimm.Benchmarks;

var root = Environment.GetEnvironmentVariable("PIMM_ROOT") ?? Environment.CurrentDirectory;

// Benchmarks by name: each is given the arguments behind the name and answers with its exit code.
var benchmarks = new Dictionary<string, (Func<string[], int> Run, string Does)>(StringComparer.Ordinal)
{
    ["ali-ccp"] = (more => AliCcpBenchmark.Start(root, more), "ali-ccp [--rows N] [--json]: converting made-up raw files of Ali-CCP against a plain Python script"),
    ["results"] = (more => ResultsBenchmark.Start(root, more), "results DATA_FOLDER [--out FOLDER] [--only SECTION | --without SECTION]: makes docs/results.md; hours, and goes on where it was cut off"),
    ["gradient-boosting"] = (more => Script("gradient-boosting.sh", more), "gradient-boosting DATA_FOLDER [--trials N] [--splits N] [--out FOLDER]: test AUC against a tuned HistGradientBoosting, one model a task"),
    ["lift-coverage"] = (more => LiftCoverageBenchmark.Start(more), "lift-coverage [--share X] [--seed N] [--json]: coverage, false positives and power of every estimator in markets whose truth is known"),
    ["promotion"] = (more => PromotionBenchmark.Start(more), "promotion [--nights N] [--repetitions N] [--json]: nights of promotion with two equally good lines, a better one, and refreshes"),
    ["faults"] = (more => FaultsBenchmark.Start(more), "faults [--json]: breaks real workers and a real PostgreSQL, and says which promise was held and how long recovery took; minutes"),
    ["ingest"] = (more => IngestBench.Start(more), "ingest [--only SECTION] [--json]: data in and out beside PostgreSQL's own tools; sections import, api, export, upload"),
    ["pages"] = (more => PagesBench.Start(more), "pages [--demos N] [--customers N] [--circuits N] [--seconds N] [--json]: time of the server for every page and every step in it while fifty circuits are open, with twenty times a demo's rows; minutes"),
    ["top-n"] = (more => TopNBench.Start(more), "top-n [--rows N] [--json] [--wait]: a wave of both arms out of 43 million scores against the SQL window function"),
    ["split"] = (more => SplitBench.Start(more), "split [--customers N] [--json] [--wait]: best of a hundred salts for ten million customers against SQL"),
    ["copy"] = (more => CopyBench.Start(more), "copy [--rows N] [--json] [--wait]: scores and plans out of the database and into it, against psql's binary \\copy"),
    ["score"] = (more => ScoreBench.Start(root, more), "score [--rows N] [--json]: answers of a PIMM against plain PyTorch with the same weights"),
    ["score-db"] = (more => ScoreDbBench.Start(more), "score-db [--customers N] [--json] [--wait]: scoring from database to database, against the slowest of its parts alone"),
    ["train"] = (more => TrainBench.Start(root, more), "train [--shape ali-ccp|industrial] [--batch N] [--json]: training beside plain PyTorch on the same rows, turn by turn"),
    ["memory"] = (more => MemoryBench.Start(more), "memory [--json]: what ten thousand training steps leave behind, and how much of a step is not native code"),
    ["train-gpu"] = (more => TrainGpuBench.Start(root, more), "train-gpu [--batch N] [--json]: as train, on a CUDA device: rows kept there, and steps recorded, each against plain PyTorch"),
    ["web"] = (more => WebBench.Start(more), "web [--circuits N] [--seconds N] [--json]: pages and assignment look-ups while a training uses the machine, and what the training loses"),
    ["growth"] = (more => GrowthBench.Start(more), "growth [--largest N] [--json]: each stage at three sizes a decade apart, with the exponent"),
    ["auc-floor"] = (more => Script("auc-floor.sh", more), "auc-floor DATA_FOLDER [--seeds N] [--out FOLDER]: test AUC against scikit-learn's logistic regression on the same splits"),
};

benchmarks["speed"] = (more => SpeedBench.Start(root, benchmarks.Keys, more), "speed [--only a,b]: runs the benches of speed one after the other and makes docs/results/speed.md; an hour");

if (args is ["--list"])
{
    foreach (var (name, benchmark) in benchmarks)
    {
        Console.WriteLine($"{name,-18} {benchmark.Does}");
    }
    return 0;
}
if (args.Length == 0 || !benchmarks.TryGetValue(args[0], out var wanted))
{
    Console.Error.WriteLine($"There is no benchmark \"{args.FirstOrDefault()}\": ./pimm bench --list prints those there are.");
    return 2;
}

return wanted.Run(args[1..]);

int Script(string name, string[] more)
{
    using var script = Process.Start(new ProcessStartInfo("bash", [Path.Combine(root, "tests", "Pimm.Benchmarks", name), .. more]))!;
    script.WaitForExit();
    return script.ExitCode;
}
