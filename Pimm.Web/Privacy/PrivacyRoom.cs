using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Erasing;
using Pimm.Core.Suppressing;
using Pimm.Web.Security;

namespace Pimm.Web.Privacy;

/// <param name="Suppressions">the newest of the page that was asked for</param>
public sealed record PrivacyView(
    IReadOnlyList<SuppressionCount> Counts, IReadOnlyList<Suppression> Suppressions, IReadOnlyList<ConsentCount> Consents, IReadOnlyList<ErasureSummary> Erasures, long ErasureTotal)
{
    public long SuppressionTotal => Counts.Sum(count => count.Rows);
}

/// <summary>Reads what the page on privacy counts and lists; nobody can be told by it.</summary>
public sealed class PrivacyRoom(WorkPermit permit, SuppressionStore suppressions, PrivacyStore privacy)
{
    public const int PageSize = 20;

    /// <exception cref="Core.InputException">the person may not</exception>
    public async Task<PrivacyView> ReadAsync(ClaimsPrincipal person, int suppressionsPage, int erasuresPage)
    {
        await permit.DemandAsync(person, Right.KeepPrivacy);
        return new PrivacyView(
            await suppressions.CountsAsync(), await privacy.SuppressionsAsync((suppressionsPage - 1) * PageSize, PageSize), await privacy.ConsentsAsync(),
            await privacy.ErasuresAsync((erasuresPage - 1) * PageSize, PageSize), await privacy.CountErasuresAsync());
    }
}
