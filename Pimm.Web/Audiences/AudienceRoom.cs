using Pimm.Core.Importing;

namespace Pimm.Web.Audiences;

public sealed record AudienceView(AudienceSummary Summary, Audience Audience, IReadOnlyList<AudienceVersionRow> Versions, IReadOnlyList<AudienceUse> Uses);

/// <summary>Reads what the pages on audiences show.</summary>
public sealed class AudienceRoom(AudienceListStore list, AudienceStore audiences, AudienceProfiles profiles)
{
    public const int PageSize = 20;

    public async Task<(IReadOnlyList<AudienceSummary> Rows, long Total)> ListAsync(string search, int page) =>
        (await list.ListAsync(search, (page - 1) * PageSize, PageSize), await list.CountAsync(search));

    /// <returns>null: there is no such audience</returns>
    public async Task<AudienceView?> ReadAsync(long id) => await list.FindAsync(id) is not { } summary ? null
        : new AudienceView(summary, await audiences.GetAsync(id), await list.VersionsAsync(id), await list.UsesAsync(id));

    /// <summary>Of one page of attributes of the newest version.</summary>
    public Task<IReadOnlyList<ColumnProfile>> ProfilesAsync(AudienceView view, int page) => view.Summary.Version is { } version
        ? profiles.OfAsync(view.Audience, version, (page - 1) * PageSize, PageSize)
        : Task.FromResult<IReadOnlyList<ColumnProfile>>([]);
}
