using System.Globalization;

namespace Pimm.Core.Importing;

/// <summary>What a conversion of Ali-CCP read and wrote.</summary>
/// <param name="Rows">written</param>
/// <param name="Dropped">bought and not clicked, left out</param>
/// <param name="CommonRows">rows of the common features' file</param>
/// <param name="VocabularySizes">ids of each field and 0, in the order of <see cref="AliCcpFeatures.Columns"/></param>
/// <param name="VocabularyLearned">false when one that was there was used</param>
/// <param name="MinCount">of the vocabulary</param>
/// <param name="Seconds">of the whole conversion</param>
/// <param name="RowsPerSecond">raw rows of both files, each counted once, by the whole time</param>
public sealed record AliCcpSummary(
    long Rows, long Dropped, long CommonRows, IReadOnlyList<int> VocabularySizes, bool VocabularyLearned, int MinCount, double Seconds, double RowsPerSecond);

/// <summary>
/// Joins and encodes Ali-CCP's raw files as AITM prepares them: 18 fields, common features over the skeleton's, impossible
/// impressions left out, ids below the minimum count as 0.
/// </summary>
/// <remarks>
/// Memory holds 18 ints for each row of common features and 4 bytes for each different id, and does not grow with the
/// skeleton, which is read once, or twice when the vocabulary has to be counted.
/// </remarks>
public sealed class AliCcpConversion
{
    private readonly AliCcpOptions _options;
    private readonly ConversionPace _pace;

    private AliCcpConversion(AliCcpOptions options, ConversionPace pace) => (_options, _pace) = (options, pace);

    /// <param name="options">the files</param>
    /// <param name="clock">for the rows a second</param>
    /// <param name="progress">called now and then</param>
    /// <param name="cancellation">ends it; nothing is left behind</param>
    /// <exception cref="InputException">options, rows or a vocabulary that cannot be used</exception>
    public static AliCcpSummary Run(AliCcpOptions options, TimeProvider clock, Action<ConversionProgress> progress, CancellationToken cancellation = default)
    {
        options.Validate();
        return new AliCcpConversion(options, new ConversionPace(clock, progress, cancellation)).Run();
    }

    private AliCcpSummary Run()
    {
        var known = KnownVocabulary();
        _pace.Begin("common features");
        var common = AliCcpCommonFeatures.Load(_options.Common, _pace.Report);
        var vocabulary = known ?? Count(common);
        var (rows, dropped) = Encode(common, vocabulary, save: known is null);
        var seconds = _pace.Seconds;
        return new AliCcpSummary(rows, dropped, common.Rows, vocabulary.Sizes, known is null, vocabulary.MinCount, seconds, (rows + dropped + common.Rows) / seconds);
    }

    private AliCcpVocabulary? KnownVocabulary()
    {
        if (_options.Vocabulary is not { } path || !File.Exists(path))
        {
            return null;
        }

        var vocabulary = AliCcpVocabulary.Load(path);
        return _options.MinCount is { } wanted && wanted != vocabulary.MinCount
            ? throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{path} exists and was counted with a minimum of {vocabulary.MinCount}, not {wanted}; leave --min-count out to use it, or name another file to count anew."))
            : vocabulary;
    }

    private AliCcpVocabulary Count(AliCcpCommonFeatures common)
    {
        _pace.Begin("counting ids");
        var counts = new IdTable[AliCcpFeatures.Columns.Count];
        for (var place = 0; place < counts.Length; place++)
        {
            counts[place] = new IdTable();
        }

        using var rows = new AliCcpRows(_options.Skeleton, common);
        while (rows.Read())
        {
            Count(rows.Ids, counts);
            _pace.Report(rows.File);
        }

        return AliCcpVocabulary.Of(counts, _options.MinCount ?? AliCcpOptions.MinCountOfAitm);
    }

    private static void Count(ReadOnlySpan<int> ids, IdTable[] counts)
    {
        for (var place = 0; place < ids.Length; place++)
        {
            if (ids[place] != 0)
            {
                counts[place].Increment(ids[place]);
            }
        }
    }

    private (long Rows, long Dropped) Encode(AliCcpCommonFeatures common, AliCcpVocabulary vocabulary, bool save)
    {
        _pace.Begin("writing");
        using var rows = new AliCcpRows(_options.Skeleton, common);
        using var encoded = Begin(_options.Output);
        using var joined = _options.Joined is { } path ? Begin(path) : null;
        var numbers = new int[AliCcpFeatures.Columns.Count];
        var written = 0L;
        for (; rows.Read(); written++)
        {
            vocabulary.Encode(rows.Ids, numbers);
            Write(encoded, rows, numbers);
            if (joined is not null)
            {
                Write(joined, rows, rows.Ids);
            }

            _pace.Report(rows.File);
        }

        if (save && _options.Vocabulary is { } vocabularyPath)
        {
            vocabulary.Save(vocabularyPath);
        }

        joined?.Complete();
        encoded.Complete();
        return (written, rows.Dropped);
    }

    private static DelimitedWriter Begin(string path)
    {
        var writer = new DelimitedWriter(path);
        writer.Write("click"u8);
        writer.Write("purchase"u8);
        foreach (var column in AliCcpFeatures.Columns)
        {
            writer.Write(column);
        }

        writer.EndRow();
        return writer;
    }

    private static void Write(DelimitedWriter writer, AliCcpRows row, ReadOnlySpan<int> ids)
    {
        writer.Write(row.Click);
        writer.Write(row.Purchase);
        foreach (var id in ids)
        {
            writer.Write(id);
        }

        writer.EndRow();
    }
}
