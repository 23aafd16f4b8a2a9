using System.Diagnostics;

// Benchmarks by name: each a script beside this file, run with the arguments behind the name.
var benchmarks = new Dictionary<string, (string Script, string Does)>(StringComparer.Ordinal)
{
    ["auc-floor"] = ("auc-floor.sh", "auc-floor DATA_FOLDER [--seeds N] [--out FOLDER]: test AUC against scikit-learn's logistic regression on the same splits"),
};

if (args is ["--list"])
{
    foreach (var (name, benchmark) in benchmarks)
    {
        Console.WriteLine($"{name,-12} {benchmark.Does}");
    }
    return 0;
}
if (args.Length == 0 || !benchmarks.TryGetValue(args[0], out var wanted))
{
    Console.Error.WriteLine($"There is no benchmark \"{args.FirstOrDefault()}\": ./pimm bench --list prints those there are.");
    return 2;
}

var root = Environment.GetEnvironmentVariable("PIMM_ROOT") ?? Environment.CurrentDirectory;
using var script = Process.Start(new ProcessStartInfo("bash", [Path.Combine(root, "tests", "Pimm.Benchmarks", wanted.Script), .. args[1..]]))!;
script.WaitForExit();
return script.ExitCode;
