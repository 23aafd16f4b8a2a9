using System.CommandLine;
using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

/// <summary>Takes files in: the same door as a page's.</summary>
public static class ImportCommand
{
    private static readonly Argument<string> File = new("file") { Description = "delimited text, plain or gzip, UTF-8" };
    private static readonly Option<string> AudienceName = new("--audience") { Description = "the audience's name", Required = true };
    private static readonly Option<double> AcceptBadShare = new("--accept-bad-share") { Description = "stop with nothing applied when more rows than this share cannot be used, 0 to 1", DefaultValueFactory = _ => 0.05 };
    private static readonly Option<string> Order = new("--order") { Description = "labels out of the funnel's order: reject, cascade-up or cascade-down", DefaultValueFactory = _ => "reject" };
    private static readonly Option<string?> Delimiter = new("--delimiter") { Description = "one character; by default found" };
    private static readonly Option<string?> Map = new("--map") { Description = "JSON file that says what each column is for; \"pimm import detect\" proposes one" };
    private static readonly Option<string?> DateOrder = new("--date-order") { Description = "dmy, mdy or ymd; without it dates that can be read in two ways are put aside" };
    private static readonly Option<string?> Zone = new("--zone") { Description = "IANA time zone of times without an offset; without it those are put aside" };
    private static readonly Option<string?> Country = new("--country") { Description = "ISO 3166 code for phones written without a country; without it those are dropped" };
    private static readonly Option<string?> Mode = new("--mode") { Description = "customers: replace the audience, or merge into its newest version; by default replace" };
    private static readonly Option<long?> ReplayOf = new("--replay-of") { Description = "number of the import whose mended bad rows these are" };
    private static readonly Option<string> Funnel = new("--funnel") { Description = "names of the funnel's stages in order, for a new audience", DefaultValueFactory = _ => "click,conversion,core_conversion" };

    public static Command Create() => new("import", "takes customers, history or outcomes in from a file")
    {
        Customers(), History(), Outcomes(), ImportedFilesCommand.Detect(), ImportedFilesCommand.List(), ImportedFilesCommand.Problems(), ImportedFilesCommand.Undo(),
    };

    private static Command Customers()
    {
        var key = new Option<string>("--key") { Description = "the column that names a customer; needed when the audience is new and no --map is given" };
        var check = new Option<bool>("--check") { Description = "reads the whole file, says what would be created and updated, and writes nothing" };
        var ignore = new Option<string>("--ignore") { Description = "columns that are no attributes, for a new audience", DefaultValueFactory = _ => "" };
        return new Command("customers", "a complete state of an audience: its next version; a new name makes a new audience")
        {
            File, AudienceName, key, Funnel, ignore, AcceptBadShare, Delimiter, Map, DateOrder, Zone, Country, Mode, ReplayOf, check, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var path = PathOf(call);
            if (call.Arguments.GetValue(check))
            {
                var asked = call.Arguments.GetValue(AudienceName)!;
                var known = await call.Service<AudienceStore>().FindByNameAsync(asked, cancellationToken)
                    ?? throw new InputException($"There is no audience named \"{asked}\": every customer of the file would be new; --check looks a file up in an audience that is there.");
                var request = RequestOf(call, known.Id, "customers", path, await MappingAsync(call, known, "customers", path, cancellationToken));
                return await ImportedFilesCommand.TellCheckAsync(call, new JobRequest(ImportFile.JobKind, StageRun.NewKey("check"), request with { CheckOnly = true }), cancellationToken);
            }
            return await RunAsync(call, "customers", path, async name =>
            {
                var keyColumn = call.Arguments.GetValue(key) ?? throw new InputException($"The audience \"{name}\" is new: say with --key which column names a customer.");
                var ignored = Names(call.Arguments.GetValue(ignore)!);
                var columns = ColumnDetection.Detect(path, keyColumn, ignored, CharacterOf(call));
                await RefusePersonsAsync(call, path, [keyColumn, .. ignored], cancellationToken);
                return NewAudience.Planned(name, keyColumn, columns, Names(call.Arguments.GetValue(Funnel)!));
            }, cancellationToken);
        });
    }

    private static Command History() =>
        new Command("history", "impressions of the past with the customer's attributes as they were then; columns impression_at and the funnel's stages, or those of --map")
        {
            File, AudienceName, Funnel, AcceptBadShare, Order, Delimiter, Map, DateOrder, Zone, ReplayOf, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) => await RunAsync(call, "history", PathOf(call), name => Task.FromException<Audience>(Unknown(name)), cancellationToken));

    private static Command Outcomes()
    {
        var source = new Option<string>("--source") { Description = "who counted the events; an event's id is unique within its source", Required = true };
        return new Command("outcomes", "deliveries, funnel labels and customer outcomes; columns event_id, kind, customer, campaign, wave, stage, occurred_at, amount, or those of --map")
        {
            File, AudienceName, source, AcceptBadShare, Order, Delimiter, Map, DateOrder, Zone, ReplayOf, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var (name, path) = (call.Arguments.GetValue(AudienceName)!, PathOf(call));
            var audience = await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken) ?? throw Unknown(name);
            var mapping = await MappingAsync(call, audience, "outcomes", path, cancellationToken);
            var request = new OutcomesRequest(audience.Id, path, call.Arguments.GetValue(source)!, Share(call), RuleOf(call), CharacterOf(call))
                { Mapping = mapping, By = AuditActor.CommandLine, ReplayOf = call.Arguments.GetValue(ReplayOf) };
            return await ImportedFilesCommand.TellAsync(call, new JobRequest(ImportOutcomes.JobKind, StageRun.NewKey("outcomes"), request), path, cancellationToken);
        });
    }

    /// <param name="plan">a new audience where no mapping describes it</param>
    private static async Task<int> RunAsync(Invocation call, string kind, string path, Func<string, Task<Audience>> plan, CancellationToken cancellationToken)
    {
        var name = call.Arguments.GetValue(AudienceName)!;
        var known = await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken);
        var audience = known ?? (call.Arguments.GetValue(Map) is { } map ? NewAudience.Planned(name, Read(map), Names(call.Arguments.GetValue(Funnel)!)) : await plan(name));
        var request = RequestOf(call, audience.Id, kind, path, await MappingAsync(call, audience, kind, path, cancellationToken));
        if (known is null)
        {
            request = request with { AudienceId = await CreateAsync(call, audience, request, cancellationToken) };
        }
        return await ImportedFilesCommand.TellAsync(call, new JobRequest(ImportFile.JobKind, StageRun.NewKey(kind), request), path, cancellationToken);
    }

    private static ImportRequest RequestOf(Invocation call, long audience, string kind, string path, ImportMapping? mapping) =>
        new(audience, kind, path, Share(call), kind == "history" ? RuleOf(call) : "reject", CharacterOf(call)) { Mapping = mapping, By = AuditActor.CommandLine, ReplayOf = call.Arguments.GetValue(ReplayOf) };

    /// <summary>An audience keeps the columns of its first file, so nothing is made of a file that would be refused.</summary>
    private static async Task<long> CreateAsync(Invocation call, Audience planned, ImportRequest request, CancellationToken cancellationToken)
    {
        NewAudience.Validate(planned.Name, planned.Attributes, planned.Funnel);
        call.Service<DraftCheck>().RefuseUnusable(call.Service<AttributeIntakes>().Of(planned, request), request, cancellationToken);
        return await call.Service<AudienceStore>().CreateAsync(planned.Name, planned.KeyColumn, planned.Attributes, planned.Funnel, cancellationToken: cancellationToken);
    }

    /// <summary>Attributes are stored as they come: without a mapping an address would be one.</summary>
    private static async Task RefusePersonsAsync(Invocation call, string path, string[] named, CancellationToken cancellationToken)
    {
        var limit = call.Service<IOptions<ImportingOptions>>().Value.Unpacking;
        var found = await call.Service<ImportDetector>().DetectAsync(new ImportSource(path, null, CharacterOf(call)), "customers", null, limit, cancellationToken);
        var persons = found.Proposed.Of(RoleKind.Identifier).Where(column => !named.Contains(column.Column) && column.ParsedRole.Detail is "email" or "phone" or "first-name" or "last-name").Select(column => $"'{column.Column}'").ToList();
        if (persons.Count > 0)
        {
            throw new InputException($"Columns that seem to name persons: {string.Join(", ", persons)}. Without a mapping they would be attributes in clear: give --map, which \"pimm import detect FILE --write-map FILE\" proposes, or leave them out with --ignore.");
        }
    }

    private static InputException Unknown(string name) => new($"There is no audience named \"{name}\": import its customers first.");

    /// <summary>Null: the columns go by their own names and nothing else is said of them.</summary>
    private static async Task<ImportMapping?> MappingAsync(Invocation call, Audience audience, string kind, string path, CancellationToken cancellationToken)
    {
        string? Given(Option<string?> option) => call.Arguments.GetResult(option) is null ? null : call.Arguments.GetValue(option);
        var (map, order, zone, country, mode) = (Given(Map), Given(DateOrder), Given(Zone), Given(Country), Given(Mode));
        var mapping = map is null ? null : Read(map);
        if (mapping is null && call.Arguments.GetValue(ReplayOf) is { } replayed)
        {
            mapping = await call.Service<MappingByName>().OfReplayAsync(audience, kind, replayed, NamesOf(call, path), cancellationToken);
        }
        if (mapping is null && (order ?? zone ?? country ?? mode) is not null)
        {
            mapping = MappingByName.Of(audience, kind, NamesOf(call, path));
        }
        mapping = mapping is null ? null : mapping with
        {
            DateOrder = order ?? mapping.DateOrder, Zone = zone ?? mapping.Zone, DefaultCountry = country ?? mapping.DefaultCountry, Mode = mode ?? mapping.Mode,
        };
        mapping?.Validate(kind);
        return mapping;
    }

    private static IReadOnlyList<string> NamesOf(Invocation call, string path)
    {
        using var file = DelimitedReader.Open(path, CharacterOf(call));
        return file.Names.All;
    }

    private static ImportMapping Read(string path) => System.IO.File.Exists(path)
        ? ImportMapping.FromJson(System.IO.File.ReadAllText(path))
        : throw new InputException($"There is no file '{path}' with the mapping; check the path.");

    private static string PathOf(Invocation call)
    {
        var path = Path.GetFullPath(call.Arguments.GetValue(File)!);
        // Looked at before anything is made for it.
        using var file = DelimitedReader.Open(path, CharacterOf(call));
        return path;
    }

    private static double Share(Invocation call)
    {
        var share = call.Arguments.GetValue(AcceptBadShare);
        return share is >= 0 and <= 1 ? share
            : throw new InputException(FormattableString.Invariant($"--accept-bad-share is {share}: it must lie between 0 and 1."));
    }

    private static char? CharacterOf(Invocation call) => DatasetArguments.CharacterOf(call.Arguments.GetValue(Delimiter));

    private static string RuleOf(Invocation call)
    {
        var rule = call.Arguments.GetValue(Order)!;
        FunnelOrders.Parse(rule);
        return rule;
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
