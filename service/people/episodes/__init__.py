"""Episodes of care: referral, admission, step-down, discharge, readmission."""
