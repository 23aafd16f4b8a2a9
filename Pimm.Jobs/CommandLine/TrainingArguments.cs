using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <summary>The arguments that say how a model is trained.</summary>
internal static class TrainingArguments
{
    private static readonly TrainingOptions Usual = new();
    private static readonly Option<string[]> Set = new("--set") { Description = "a setting of the model as key=value; again for more" };
    private static readonly Option<int> Epochs = new("--epochs") { Description = "most epochs", DefaultValueFactory = _ => Usual.Epochs };
    private static readonly Option<int?> Batch = new("--batch") { Description = "rows of a batch; by default 2,000, fewer on a small file" };
    private static readonly Option<double> LearningRate = new("--lr") { Description = "Adam's learning rate, unless a sweep chooses it", DefaultValueFactory = _ => Usual.LearningRate };
    private static readonly Option<int?> Threads = new("--threads") { Description = "threads that compute, in a comparison trainings at a time; by default one a core" };
    private static readonly Option<string> Device = new("--device") { Description = "cpu or cuda:0", DefaultValueFactory = _ => Usual.Device };

    public static void AddTo(Command command)
    {
        foreach (var option in new Option[] { Set, Epochs, Batch, LearningRate, Threads, Device })
        {
            command.Options.Add(option);
        }
    }

    public static TrainingOptions Options(ParseResult arguments, ulong seed) => new()
    {
        Batch = arguments.GetValue(Batch),
        LearningRate = arguments.GetValue(LearningRate),
        Epochs = arguments.GetValue(Epochs),
        Seed = seed,
        Threads = arguments.GetValue(Threads),
        Device = arguments.GetValue(Device)!,
    };

    /// <exception cref="InputException">a pair that is no key=value, or a key twice</exception>
    public static Dictionary<string, string> Settings(ParseResult arguments)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in arguments.GetValue(Set) ?? [])
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !settings.TryAdd(pair[..equals].Trim(), pair[(equals + 1)..]))
            {
                throw new InputException($"--set {pair} is no key=value or names a key twice; write it as --set embedding=8.");
            }
        }

        return settings;
    }
}
