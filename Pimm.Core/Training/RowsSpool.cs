using System.Security.Cryptography;
using System.Text.Json;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Training;

/// <summary>The rows of a training as a file, and what was counted while they were written.</summary>
/// <param name="Path">a delimited file: the time of the impression, the tasks of the funnel, the attributes</param>
/// <param name="Sha256">of the file, lower-case hexadecimal</param>
/// <param name="Before">only impressions before it were read; later attempts of the run read the same</param>
/// <param name="Columns">of the file, in its order</param>
/// <param name="Positives">rows with label 1, one entry a task</param>
/// <param name="Missing">rows without a value, one entry an attribute</param>
public sealed record SpooledRows(
    string Path, string Sha256, DateTimeOffset Before, IReadOnlyList<string> Columns, long Rows, IReadOnlyList<long> Positives, IReadOnlyList<long> Missing);

/// <summary>Writes a run's rows down: the child needs no database, and its rows can be looked at.</summary>
public sealed class RowsSpool(AudienceReader reader)
{
    private const string Description = ".json";

    /// <summary>
    /// The usable impressions as a file. What an attempt before wrote is used where it is whole; where it is not, the impressions are
    /// read again up to the same moment.
    /// </summary>
    /// <param name="before">the first moment whose impressions are left out, at the run's first attempt</param>
    /// <exception cref="InputException">there are no impressions</exception>
    public async Task<SpooledRows> SpoolAsync(JobExecution run, Audience audience, DateTimeOffset before, TrainingFolder folder, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> columns = [HistoryRows.TimeColumn, .. audience.Funnel, .. audience.Attributes.Select(a => a.Name)];
        if (Earlier(folder, columns) is { } earlier)
        {
            if (IsWhole(earlier))
            {
                run.Log(FormattableString.Invariant($"The {earlier.Rows:N0} impressions that an attempt before read are used again."));
                return earlier;
            }

            run.Warn($"The rows that an attempt before wrote are damaged ({earlier.Path}), so the impressions are read again.");
            before = earlier.Before;
        }

        var (rows, positives, missing) = await WriteAsync(run, audience, columns, before, folder.Rows, cancellationToken);
        var spooled = new SpooledRows(folder.Rows, Hash(folder.Rows), before, columns, rows, positives, missing);
        DurableFile.WriteText(folder.Rows + Description, JsonSerializer.Serialize(spooled));
        FaultPoint.Reach("train.rows-spooled");
        return spooled;
    }

    private static SpooledRows? Earlier(TrainingFolder folder, IReadOnlyList<string> columns) => Directory
        .EnumerateFiles(folder.Path, "rows-*.csv" + Description)
        .OrderDescending(StringComparer.Ordinal)
        .Select(Read)
        .FirstOrDefault(spooled => spooled is { Path: not null, Sha256: not null, Columns: not null } && spooled.Columns.SequenceEqual(columns));

    private static SpooledRows? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<SpooledRows>(File.ReadAllText(path));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsWhole(SpooledRows rows) => File.Exists(rows.Path) && Hash(rows.Path) == rows.Sha256;

    private static string Hash(string path)
    {
        using var bytes = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private async Task<(long Rows, long[] Positives, long[] Missing)> WriteAsync(
        JobExecution run, Audience audience, IReadOnlyList<string> columns, DateTimeOffset before, string path, CancellationToken cancellationToken)
    {
        using var writer = new DelimitedWriter(path);
        foreach (var column in columns)
        {
            writer.Write(column);
        }

        writer.EndRow();
        var (rows, positives, missing) = (0L, new long[audience.Funnel.Length], new long[audience.Attributes.Count]);
        await foreach (var batch in reader.TrainingHistoryAsync(audience, before, cancellationToken))
        {
            for (var row = 0; row < batch.Count; row++)
            {
                WriteRow(writer, batch, row, positives, missing);
            }

            rows += batch.Count;
            run.Report(0.02, $"{rows:N0} impressions read");
        }

        if (rows == 0)
        {
            throw new InputException($"The audience \"{audience.Name}\" has no impressions before {before:yyyy-MM-dd}, when the last window closed: import its history first.");
        }

        writer.Complete();
        return (rows, positives, missing);
    }

    private static void WriteRow(DelimitedWriter writer, AttributeBatch batch, int row, long[] positives, long[] missing)
    {
        writer.Write((double)(batch.ImpressionTicks[row] / TimeSpan.TicksPerSecond));
        for (var task = 0; task < positives.Length; task++)
        {
            var reached = batch.Stages[row] > task;
            positives[task] += reached ? 1 : 0;
            writer.Write(reached ? "1"u8 : "0"u8);
        }

        for (var attribute = 0; attribute < missing.Length; attribute++)
        {
            if (batch.Numbers[attribute] is { } numbers)
            {
                missing[attribute] += double.IsNaN(numbers[row]) ? 1 : 0;
                writer.Write(numbers[row]);
            }
            else
            {
                var text = batch.Texts[attribute]![row];
                missing[attribute] += text is null ? 1 : 0;
                writer.Write(text.AsSpan());
            }
        }

        writer.EndRow();
    }
}
