using System.Globalization;
using System.Runtime.InteropServices;
using Pimm.Core.Datasets;
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>One part of the rows that a model was made from.</summary>
/// <param name="Part">The split's name in lower case.</param>
/// <param name="Positives">T numbers of rows with label 1.</param>
public sealed record PartFacts(string Part, long Rows, IReadOnlyList<long> Positives);

/// <summary>The rows that a model was made from.</summary>
/// <param name="SnapshotSha256">Of the packed rows' file, lower-case hexadecimal: the same hash is the same rows in the same parts, encoded alike.</param>
public sealed record DataFacts(string? SnapshotSha256, IReadOnlyList<PartFacts> Parts)
{
    /// <summary>
    /// Time of the oldest test row, in the time column's unit: nothing from then on was learned from, so other versions can be compared
    /// there. Null where the parts are not divided by time.
    /// </summary>
    public long? TestFrom { get; init; }

    public static DataFacts Of(Snapshot data)
    {
        var splits = Enum.GetValues<Split>();
        var rows = new long[splits.Length];
        var positives = splits.Select(_ => new long[data.TaskNames.Count]).ToArray();
        for (var row = 0L; row < data.Rows; row++)
        {
            var part = (int)data.SplitOf(row);
            var labels = data.Labels(row, 1);
            rows[part]++;
            for (var task = 0; task < labels.Length; task++)
            {
                positives[part][task] += labels[task];
            }
        }

        return new(data.Sha256, [.. splits.Select(split => new PartFacts(split.ToString().ToLowerInvariant(), rows[(int)split], positives[(int)split]))]) { TestFrom = TestFromOf(data) };
    }

    private static long? TestFromOf(Snapshot data)
    {
        if (!data.HasTimes)
        {
            return null;
        }

        var (newestLearned, oldestTest) = (long.MinValue, long.MaxValue);
        for (var row = 0L; row < data.Rows; row++)
        {
            var time = data.Times(row, 1)[0];
            (newestLearned, oldestTest) = data.SplitOf(row) == Split.Test
                ? (newestLearned, Math.Min(oldestTest, time))
                : (Math.Max(newestLearned, time), oldestTest);
        }

        return newestLearned < oldestTest && oldestTest < long.MaxValue ? oldestTest : null;
    }
}

/// <summary>Where a model was trained: what can move the last digits of its numbers, and its speed.</summary>
/// <param name="System">Operating system and processor's kind.</param>
/// <param name="Processors">Logical processors that the process may use.</param>
/// <param name="Runtime">.NET's version.</param>
/// <param name="Libtorch">Its version.</param>
/// <param name="Blas">Files of the linear algebra libraries in the process; empty where they cannot be told.</param>
/// <param name="TorchThreads">Threads that libtorch computes with.</param>
public sealed record EnvironmentFacts(string System, int Processors, string Runtime, string Libtorch, IReadOnlyList<string> Blas, int TorchThreads)
{
    private const string LoadedFiles = "/proc/self/maps";

    public static EnvironmentFacts Here() => new(
        FormattableString.Invariant($"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}"),
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription,
        torch.__version__,
        LinearAlgebra(),
        torch.get_num_threads());

    private static IReadOnlyList<string> LinearAlgebra() => !File.Exists(LoadedFiles) ? [] :
        [.. File.ReadLines(LoadedFiles)
            .Select(line => Path.GetFileName(line[(line.LastIndexOf(' ') + 1)..]))
            .Where(file => file.StartsWith("lib", StringComparison.Ordinal)
                && (file.Contains("blas", StringComparison.Ordinal) || file.Contains("mkl", StringComparison.Ordinal)))
            .Distinct().Order(StringComparer.Ordinal)];
}
