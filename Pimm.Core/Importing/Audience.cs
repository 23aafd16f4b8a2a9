using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Importing;

/// <summary>A typed attribute of an audience's customers.</summary>
/// <param name="Kind">"number" (double precision) or "text"</param>
/// <param name="Role">"protected", "proxy" (tells a protected one), "arm" (of another experiment); null: a feature like any other</param>
public sealed record AudienceColumn(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("kind")] string Kind,
    [property: JsonPropertyName("role"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null)
{
    [JsonIgnore]
    public bool IsNumber => Kind == "number";

    /// <summary>The nearest name that an attribute can have.</summary>
    public static string NameFor(string column)
    {
        var name = string.Concat(column.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or ' ' or '.' or '-' ? letter : '_'));
        name = name.Length > 0 && char.IsAsciiLetter(name[0]) ? name : $"c_{name}";
        name = Reserved.Contains(name) ? $"{name}_" : name;
        return name[..Math.Min(name.Length, 63)];
    }

    /// <summary>As create_audience asks for it.</summary>
    internal static bool IsName(string name) => name.Length is > 0 and <= 63 && char.IsAsciiLetter(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or ' ' or '.' or '-');

    internal static bool IsReserved(string name) => Reserved.Contains(name);

    // As create_audience refuses them.
    private static readonly string[] Reserved = ["customer", "customer_key", "version", "import_file_id", "impression_at", "stage", "amount", "targeted"];

    [JsonIgnore]
    public bool IsProtected => Role == "protected";

    /// <summary>What a model is trained on unless its line says otherwise: neither a protected attribute nor another experiment's arm.</summary>
    [JsonIgnore]
    public bool IsTrainedOn => Role is null or "feature" or "proxy";
}

/// <summary>
/// A named set of customers with attributes. Each import of a customer file is one version; the rows lie in typed tables of
/// their own (audience.customers_id, audience.history_id), read together by the view audience.training_history_id.
/// </summary>
/// <param name="KeyColumn">the file's column that names a customer</param>
/// <param name="Funnel">names of the nested labels of an impression, in funnel order</param>
/// <param name="Simulated">made by Simulating; called simulated wherever it is shown</param>
public sealed record Audience(
    long Id, string Name, string KeyColumn, string Columns, string[] Funnel, bool Simulated, DateTimeOffset CreatedAt)
{
    public IReadOnlyList<AudienceColumn> Attributes { get; } = JsonSerializer.Deserialize<AudienceColumn[]>(Columns)!;

    public string CustomersTable => $"audience.customers_{Id}";

    public string HistoryTable => $"audience.history_{Id}";

    public string TrainingHistoryView => $"audience.training_history_{Id}";

    /// <summary>Names of the attributes that a model is trained on.</summary>
    /// <param name="asked">those that a model line uses although they are protected, or another experiment's arm</param>
    public IEnumerable<string> TrainedOn(IReadOnlyCollection<string> asked) =>
        Attributes.Where(attribute => attribute.IsTrainedOn || asked.Contains(attribute.Name)).Select(attribute => attribute.Name);

    /// <summary>The attribute columns as a quoted SQL list; create_audience has validated the names.</summary>
    public string AttributeList(string prefix = "") =>
        string.Join(", ", Attributes.Select(a => $"{prefix}\"{a.Name}\""));
}

/// <summary>One import of a customer file: a complete state of the audience.</summary>
public sealed record AudienceVersion(long AudienceId, int Version, long ImportFileId, long Customers, DateTimeOffset CreatedAt);
