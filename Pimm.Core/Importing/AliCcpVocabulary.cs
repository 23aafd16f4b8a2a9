using System.Text.Json;

namespace Pimm.Core.Importing;

/// <summary>
/// The raw ids of Ali-CCP's 18 fields that occur often enough in training rows. A field's ids are numbered 1, 2, … in
/// ascending order of the raw id; 0 is missing, unknown or too rare.
/// </summary>
/// <remarks>
/// AITM's own script numbers them in the order of a Python set, which differs from run to run: train and test files that are
/// prepared apart do not fit. Here the numbers are kept in a file, and the same in every run.
/// </remarks>
public sealed class AliCcpVocabulary
{
    private readonly int[][] _ids;
    private readonly IdTable[] _numbers;

    private AliCcpVocabulary(int minCount, int[][] ids)
    {
        MinCount = minCount;
        _ids = ids;
        _numbers = [.. ids.Select(field => IdTable.Numbering(field))];
    }

    private sealed record Content(int MinCount, IReadOnlyList<FieldContent> Fields);

    private sealed record FieldContent(string Name, int[] Ids);

    /// <summary>How many training rows an id had to occur in.</summary>
    public int MinCount { get; }

    /// <summary>Ids of each field and 0, in the order of <see cref="AliCcpFeatures.Columns"/>.</summary>
    public IReadOnlyList<int> Sizes => [.. _ids.Select(ids => ids.Length + 1)];

    /// <param name="raw">18 raw ids in the order of the columns, 0 or more</param>
    /// <param name="numbers">their numbers, 0 … size - 1</param>
    public void Encode(ReadOnlySpan<int> raw, Span<int> numbers)
    {
        for (var place = 0; place < _numbers.Length; place++)
        {
            numbers[place] = _numbers[place][raw[place]];
        }
    }

    /// <param name="counts">training rows by raw id, one table a field; a raw id 0 counts as missing</param>
    /// <param name="minCount">from 1</param>
    internal static AliCcpVocabulary Of(IdTable[] counts, int minCount)
    {
        var ids = new int[counts.Length][];
        for (var place = 0; place < counts.Length; place++)
        {
            ids[place] = counts[place].IdsFrom(minCount);
            counts[place] = new IdTable();
        }

        return new AliCcpVocabulary(minCount, ids);
    }

    /// <exception cref="InputException">no vocabulary, one of other fields, or one whose ids are not ascending from 1</exception>
    public static AliCcpVocabulary Load(string path)
    {
        Content? content;
        try
        {
            using var file = File.OpenRead(path);
            content = JsonSerializer.Deserialize<Content>(file, JsonSerializerOptions.Web);
        }
        catch (JsonException damaged)
        {
            throw new InputException($"{path} is not a vocabulary ({damaged.Message.TrimEnd('.')}); convert the training file again to write it.", damaged);
        }

        if (content is not { MinCount: >= 1, Fields: not null })
        {
            throw Refused(path, "minCount must be 1 or more and fields a list");
        }

        Require(content.Fields.Select(field => field?.Name).SequenceEqual(AliCcpFeatures.Columns), path, $"the fields must be {string.Join(',', AliCcpFeatures.Columns)} in this order");
        foreach (var field in content.Fields)
        {
            Require(field.Ids is not null && IsAscending(field.Ids), path, $"the ids of field {field.Name} must be ascending, from 1");
        }

        return new AliCcpVocabulary(content.MinCount, [.. content.Fields.Select(field => field.Ids)]);
    }

    /// <summary>Writes it as JSON: minCount and, for each field, name and raw ids. The file appears complete or not at all.</summary>
    public void Save(string path)
    {
        var unfinished = path + ".unfinished";
        using (var file = File.Create(unfinished))
        {
            var fields = AliCcpFeatures.Columns.Zip(_ids, (name, ids) => new FieldContent(name, ids)).ToArray();
            JsonSerializer.Serialize(file, new Content(MinCount, fields), JsonSerializerOptions.Web);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    private static bool IsAscending(ReadOnlySpan<int> ids)
    {
        var last = 0;
        foreach (var id in ids)
        {
            if (id <= last)
            {
                return false;
            }

            last = id;
        }

        return true;
    }

    private static void Require(bool fits, string path, string bound)
    {
        if (!fits)
        {
            throw Refused(path, bound);
        }
    }

    private static InputException Refused(string path, string bound) =>
        new($"{path} is not a vocabulary that fits: {bound}; convert the training file again to write it.");
}
