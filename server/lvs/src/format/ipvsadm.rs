//! The text of `ipvsadm --save --numeric`, in and out.
