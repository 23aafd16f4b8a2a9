using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Web.Security;

namespace Pimm.Web.Audit;

/// <summary>Verifies the chain for somebody who may read it.</summary>
public sealed class AuditActions(AuditVerifier verifier, WorkPermit permit)
{
    /// <exception cref="Core.InputException">the person may not, or the file outside the database cannot be read</exception>
    public async Task<AuditVerdict> VerifyAsync(ClaimsPrincipal person, CancellationToken cancellationToken)
    {
        await permit.DemandAsync(person, Right.Audit);
        return await verifier.VerifyAsync(from: 1, headFile: null, cancellationToken);
    }
}
